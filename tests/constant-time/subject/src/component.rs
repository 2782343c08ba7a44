//! The component's machine code, as the daemon loads and calls it.

use std::fs;

use spiped::guest::{
    AcceptorGuest, Authenticated, ClientConfig, Engine, ForwardSecrecy, Greeting, NONCE_LEN,
    Output, ServerConfig, SessionGuest, Side as WireSide, Status, Verdict, pairing,
};
use spiped::keys::file;
use spiped_core::{KeyExchange, Side};

use crate::world::{self, Psk, World};

/// Guests at a time: two ends, one that wakes up, and one more.
const GUESTS: u32 = 4;

/// What the server does: everything.
const SERVER: ServerConfig = ServerConfig::Any(ForwardSecrecy::Require);

/// A component in the production host.
pub struct Component(Engine);

impl Component {
    /// The one that is part of the daemon.
    #[must_use]
    pub fn production() -> Self {
        Self(Engine::new(GUESTS).expect("an engine"))
    }

    /// Another one, made by the build tool.
    #[must_use]
    pub fn precompiled(path: &str) -> Self {
        let code = fs::read(path).expect("a precompiled component");
        // SAFETY: the checks have it made by the build tool, right before.
        #[allow(unsafe_code, reason = "the only way to load precompiled code")]
        let engine = unsafe { Engine::precompiled(GUESTS, &code) };
        Self(engine.expect("an engine"))
    }
}

impl World for Component {
    type Session = SessionGuest;
    type Exchange = pairing::Exchange;

    fn connect(&self, exchange: KeyExchange, psk: &Psk, entropy: &[u8; 64]) -> SessionGuest {
        let config = match exchange {
            KeyExchange::Modp2048 => ClientConfig::Modp2048(ForwardSecrecy::Require),
            KeyExchange::X25519 => ClientConfig::X25519,
        };
        let psk = file::Psk::copy_of(psk);
        SessionGuest::connect_with(&self.0, config, &psk, entropy).expect("a guest")
    }

    fn accept(
        &self,
        psk: &Psk,
        our_nonce: &[u8; NONCE_LEN],
        hello: &[u8],
        exponent: &[u8; 32],
    ) -> SessionGuest {
        let psk = file::Psk::copy_of(psk);
        let greeting = Greeting { our_nonce, hello };
        let guest = SessionGuest::accept_with(&self.0, SERVER, greeting, &psk, exponent);
        let mut guest = guest.expect("a genuine client");
        genuine(|out| guest.start(out));
        guest
    }

    fn identify(&self, psks: &[Psk], our_nonce: &[u8; NONCE_LEN], hello: &[u8]) -> Option<u32> {
        let psks: Vec<_> = psks.iter().map(file::Psk::copy_of).collect();
        let mut acceptor =
            AcceptorGuest::new(&self.0, SERVER, &psks, &AcceptorGuest::search_of(&psks))
                .expect("a guest");
        match acceptor.identify(our_nonce, hello).expect("a verdict") {
            Verdict::Authenticated(Authenticated { psk_index, .. }) => Some(psk_index),
            Verdict::More(_) | Verdict::Refused(_) => None,
        }
    }

    fn sleep_and_wake(&self, mut session: SessionGuest) -> SessionGuest {
        let state = session.suspend().expect("it is established");
        SessionGuest::resume(&self.0, &state).expect("a guest")
    }

    fn pair(&self, side: Side, code: Option<&str>, entropy: &[u8; 32]) -> pairing::Exchange {
        let side = match side {
            Side::Client => WireSide::Client,
            Side::Server => WireSide::Server,
        };
        pairing::Exchange::with_entropy(&self.0, side, code, entropy).expect("a guest")
    }
}

impl world::Session for SessionGuest {
    fn start(&mut self) -> Vec<u8> {
        genuine(|out| self.start(out))
    }

    fn compute(&mut self) -> Vec<u8> {
        genuine(|out| self.compute(out))
    }

    fn handshake(&mut self, from_peer: &[u8]) -> Vec<u8> {
        genuine(|out| self.handle_crypt(from_peer, out))
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        genuine(|out| self.handle_plain(plain, out))
    }

    fn open(&mut self, sealed: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Output::default();
        let status = self.handle_crypt(sealed, &mut out);
        (out.to_plain, status == Status::Established)
    }
}

/// What goes to the peer, of a call that has not failed.
fn genuine(call: impl FnOnce(&mut Output) -> Status) -> Vec<u8> {
    let mut out = Output::default();
    if let Status::Failed(failure) = call(&mut out) {
        panic!("the peer is genuine: {failure:?}");
    }
    out.to_crypt
}

impl world::Exchange for pairing::Exchange {
    fn start(&mut self) -> Vec<u8> {
        self.start().expect("it is fresh").to_peer
    }

    fn receive(&mut self, from_peer: &[u8]) -> Vec<u8> {
        self.receive(from_peer).expect("a genuine peer").to_peer
    }

    fn confirm(&mut self) -> Vec<u8> {
        self.confirm().expect("there is something to confirm").to_peer
    }

    fn take_key(&mut self) -> [u8; 32] {
        *self.take_key().expect("both have confirmed")
    }
}
