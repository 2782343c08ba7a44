//! The native crate, with either packet cryptography of its own.

use std::marker::PhantomData;

use spiped_core::{
    Acceptor, ClientConfig, Entropy, ExponentEntropy, ForwardSecrecy, KeyExchange, Output,
    PacketCrypto, Secret, ServerConfig, Session, Side, SoftKeySearch, Verdict, pairing,
};

use crate::world::{self, Psk, World};

/// The crate for this machine.
pub struct Crate<P>(pub PhantomData<P>);

/// What the server does: everything.
const SERVER: ServerConfig = ServerConfig::Any(ForwardSecrecy::Require);

impl<P: PacketCrypto> World for Crate<P> {
    type Session = Session<P>;
    type Exchange = pairing::Exchange;

    fn connect(&self, exchange: KeyExchange, psk: &Psk, entropy: &[u8; 64]) -> Session<P> {
        let config = match exchange {
            KeyExchange::Modp2048 => ClientConfig::Modp2048(ForwardSecrecy::Require),
            KeyExchange::X25519 => ClientConfig::X25519,
        };
        Session::connect(config, &Secret::copy_of(psk), &Entropy::copy_of(entropy))
            .expect("good randomness")
    }

    fn accept(
        &self,
        psk: &Psk,
        our_nonce: &[u8; 32],
        hello: &[u8],
        exponent: &[u8; 32],
    ) -> Session<P> {
        let (psk, exponent) = (Secret::copy_of(psk), ExponentEntropy::copy_of(exponent));
        let mut session =
            Session::accept(SERVER, our_nonce, hello, &psk, &exponent).expect("a genuine client");
        world::Session::start(&mut session);
        session
    }

    fn identify(&self, psks: &[Psk], our_nonce: &[u8; 32], hello: &[u8]) -> Option<u32> {
        let psks: Vec<_> = psks.iter().map(Secret::copy_of).collect();
        let acceptor = Acceptor::<SoftKeySearch>::new(SERVER, &psks).expect("different keys");
        match acceptor.identify(our_nonce, hello) {
            Verdict::Authenticated(client) => Some(client.psk_index),
            Verdict::More(_) | Verdict::Refused(_) => None,
        }
    }

    fn sleep_and_wake(&self, mut session: Session<P>) -> Session<P> {
        let state = session.suspend().expect("it is established");
        Session::resume(&state).expect("a fresh state")
    }

    fn pair(&self, side: Side, code: Option<&str>, entropy: &[u8; 32]) -> pairing::Exchange {
        pairing::Exchange::new(side, code, &Secret::copy_of(entropy)).expect("a good code")
    }
}

impl<P: PacketCrypto> world::Session for Session<P> {
    fn start(&mut self) -> Vec<u8> {
        let mut out = Output::default();
        self.start(&mut out).expect("it is fresh");
        out.to_crypt
    }

    fn compute(&mut self) -> Vec<u8> {
        let mut out = Output::default();
        self.compute(&mut out).expect("a value is due");
        out.to_crypt
    }

    fn handshake(&mut self, from_peer: &[u8]) -> Vec<u8> {
        let mut out = Output::default();
        self.handle_crypt(from_peer, &mut out).expect("a genuine peer");
        out.to_crypt
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Output::default();
        self.handle_plain(plain, &mut out).expect("it is established");
        out.to_crypt
    }

    fn open(&mut self, sealed: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Output::default();
        let result = self.handle_crypt(sealed, &mut out);
        (out.to_plain, result.is_ok())
    }
}

impl world::Exchange for pairing::Exchange {
    fn start(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.start(&mut out).expect("it is fresh");
        out
    }

    fn receive(&mut self, from_peer: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.receive(from_peer, &mut out).expect("a genuine peer");
        // The component adds it to every answer.
        self.status().expect("a genuine peer");
        out
    }

    fn confirm(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.confirm(&mut out).expect("there is something to confirm");
        out
    }

    fn take_key(&mut self) -> [u8; 32] {
        *self.take_key().expect("both have confirmed").expose()
    }
}
