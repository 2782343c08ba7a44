//! A stranger that says anything, above all hellos that were tampered with: a
//! verdict depends on what has come and not on when we ask, nobody gets in with
//! anything but an untouched hello, and a session cannot be had for anybody else.

use arbitrary::Arbitrary;
use spiped_core::{
    Acceptor, Error, ForwardSecrecy, Output, PeerFault, Psk, ServerConfig, Session, SoftKeySearch,
    SoftPacketCrypto, Verdict,
};

use crate::parties::{Choice, NONCE, accept_as, client, compute, psks};

/// What a stranger says to which server.
#[derive(Arbitrary, Debug)]
pub struct Stranger<'a> {
    server: Choice,
    /// Whether the server accepts upstream's key exchange alone.
    modp2048_alone: bool,
    /// What an honest client of this kind says comes first.
    client: Option<Choice>,
    /// Whether that client has one of the keys.
    has_key: bool,
    /// Bytes at these places are other ones.
    changes: Vec<(u16, u8)>,
    /// Comes after what the client says.
    more: &'a [u8],
    /// Where we ask: every so many bytes.
    steps: [u8; 3],
}

/// Asks whenever the steps say so, and for the whole.
pub fn ask(stranger: &Stranger<'_>) {
    let config = stranger.config();
    let acceptor: Acceptor<SoftKeySearch> = Acceptor::new(config, &psks()).expect("two keys");
    let hello = stranger.hello();
    let said = stranger.say(&hello);
    let last = acceptor.identify(&NONCE, &said);

    let mut length = 0;
    let mut asked_for = 0;
    for step in stranger.steps.iter().cycle() {
        let verdict = acceptor.identify(&NONCE, &said[..length]);
        if let Verdict::More(more) = verdict {
            assert!(more > 0, "nothing more is needed");
            let until = length + more as usize;
            assert!(until <= 320, "more than any hello has");
            // It asks for the same until it has got it.
            assert!(length >= asked_for || until == asked_for);
            asked_for = until;
            let fault = acceptor.fault_at_eof(&NONCE, &said[..length]);
            assert!(matches!(
                fault,
                PeerFault::TruncatedInHandshake
                    | PeerFault::WrongKey
                    | PeerFault::KeyExchangeNotAccepted
            ));
        } else {
            assert_eq!(verdict, last, "after {length} bytes");
        }
        if length == said.len() {
            break;
        }
        length = said.len().min(length + usize::from(*step) + 1);
    }

    if let Verdict::Authenticated(peer) = last {
        assert!(stranger.has_key, "let in without a key");
        assert_eq!(peer.psk_index, 1);
        assert_eq!(said[..peer.hello_len as usize], hello, "let in with another hello");
        let psk = &psks()[1];
        // Whatever follows, there is a session, or a reason of the peer's.
        match accept_as::<SoftPacketCrypto>(config, &hello, psk) {
            Ok(mut session) => begin(&mut session),
            Err(error) => assert!(matches!(error, Error::Peer(_)), "{error:?}"),
        }
        let other = accept_as::<SoftPacketCrypto>(config, &hello, &psks()[0]);
        assert_eq!(other.err(), Some(PeerFault::WrongKey.into()));
    } else {
        for psk in psks() {
            let session = accept_as::<SoftPacketCrypto>(config, &said, &psk);
            assert!(session.is_err(), "a session with {last:?}");
        }
    }
}

fn begin(session: &mut Session<SoftPacketCrypto>) {
    let mut out = Output::default();
    session.start(&mut out).expect("its first call");
    compute(session, &mut out).expect("an honest client");
}

impl Stranger<'_> {
    fn config(&self) -> ServerConfig {
        if self.modp2048_alone {
            ServerConfig::Modp2048(ForwardSecrecy::Omit)
        } else {
            self.server.server()
        }
    }

    fn hello(&self) -> Vec<u8> {
        let Some(choice) = self.client else { return Vec::new() };
        let psk = if self.has_key { psks()[1].clone() } else { Psk::copy_of(&[5; 32]) };
        let mut session = client::<SoftPacketCrypto>(choice, &psk);
        let mut out = Output::default();
        session.start(&mut out).expect("its first call");
        compute(&mut session, &mut out).expect("something to compute");
        session.handle_crypt(&NONCE, &mut out).expect("a nonce");
        out.to_crypt
    }

    fn say(&self, hello: &[u8]) -> Vec<u8> {
        let mut said = [hello, self.more].concat();
        for (at, with) in &self.changes {
            if let Some(byte) = said.get_mut(usize::from(*at) % 1024) {
                *byte = *with;
            }
        }
        said
    }
}
