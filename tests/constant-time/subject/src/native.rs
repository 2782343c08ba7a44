//! The native crate, with its own packet cryptography.

use spiped_core::{
    Config, Entropy, ForwardSecrecy, KeyExchange, Output, Secret, Session, Side, SoftPacketCrypto,
    pairing,
};

use crate::world::{self, Psk, World};

/// The crate for this machine.
pub struct Crate;

type Native = Session<SoftPacketCrypto>;

impl World for Crate {
    type Session = Native;
    type Exchange = pairing::Exchange;

    fn connect(&self, form: KeyExchange, psk: &Psk, entropy: &[u8; 64]) -> Native {
        session(Side::Client, Some(form), &[*psk], entropy)
    }

    fn accept(&self, psk: &Psk, our_nonce: &[u8; 32], hello: &[u8], exponent: &[u8; 32]) -> Native {
        let mut session = server(&[*psk], our_nonce, exponent);
        world::Session::handshake(&mut session, hello);
        session
    }

    fn identify(&self, psks: &[Psk], our_nonce: &[u8; 32], hello: &[u8]) -> Option<u32> {
        let mut session = server(psks, our_nonce, &[1; 32]);
        // Refused, if it is.
        let _ = session.handle_crypt(hello, &mut Output::default());
        session.peer_secret()
    }

    fn sleep_and_wake(&self, mut session: Native) -> Native {
        let state = session.suspend().expect("it is established");
        Session::resume(&state).expect("a fresh state")
    }

    fn pair(&self, side: Side, code: Option<&str>, entropy: &[u8; 32]) -> pairing::Exchange {
        pairing::Exchange::new(side, code, &Secret::new(*entropy)).expect("a good code")
    }
}

fn server(psks: &[Psk], nonce: &[u8; 32], exponent: &[u8; 32]) -> Native {
    let mut entropy = [0; 64];
    entropy[..32].copy_from_slice(nonce);
    entropy[32..].copy_from_slice(exponent);
    let mut session = session(Side::Server, None, psks, &entropy);
    world::Session::start(&mut session);
    session
}

fn session(
    side: Side,
    key_exchange: Option<KeyExchange>,
    psks: &[Psk],
    entropy: &[u8; 64],
) -> Native {
    let config = Config { side, key_exchange, forward_secrecy: ForwardSecrecy::Offer };
    let psks = psks.iter().map(|psk| Secret::new(*psk)).collect();
    Session::new(config, psks, &Entropy::new(*entropy)).expect("a sound configuration")
}

impl world::Session for Native {
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
        out
    }

    fn confirm(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.confirm(&mut out).expect("there is something to confirm");
        out
    }

    fn is_agreed(&mut self) -> bool {
        matches!(self.status(), Ok(pairing::Status::Agreed(_)))
    }
}
