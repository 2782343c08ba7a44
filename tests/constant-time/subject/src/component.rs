//! The component's machine code, as the daemon loads and calls it.

use std::fs;

use spiped::guest::{
    Config, Engine, ForwardSecrecy, Guest, KeyExchange as Form, Output, Side as End, Status,
    pairing,
};
use spiped::keyfile;
use spiped_core::{KeyExchange, Side};

use crate::world::{self, Psk, World};

/// Guests at a time: two ends, one that wakes up, and one more.
const GUESTS: u32 = 4;

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

    fn session(&self, side: End, form: Option<Form>, psks: &[Psk], entropy: &[u8; 64]) -> Guest {
        let config = Config { side, key_exchange: form, forward_secrecy: ForwardSecrecy::Offer };
        let psks: Vec<_> = psks.iter().map(|psk| keyfile::Psk::new(*psk)).collect();
        Guest::with_entropy(&self.0, config, &psks, entropy).expect("a guest")
    }

    fn server(&self, psks: &[Psk], nonce: &[u8; 32], exponent: &[u8; 32]) -> Guest {
        let mut entropy = [0; 64];
        entropy[..32].copy_from_slice(nonce);
        entropy[32..].copy_from_slice(exponent);
        let mut guest = self.session(End::Server, None, psks, &entropy);
        guest.start();
        guest
    }
}

impl World for Component {
    type Session = Guest;
    type Exchange = pairing::Exchange;

    fn connect(&self, form: KeyExchange, psk: &Psk, entropy: &[u8; 64]) -> Guest {
        let form = match form {
            KeyExchange::Modp2048 => Form::Modp2048,
            KeyExchange::X25519 => Form::X25519,
        };
        self.session(End::Client, Some(form), &[*psk], entropy)
    }

    fn accept(&self, psk: &Psk, our_nonce: &[u8; 32], hello: &[u8], exponent: &[u8; 32]) -> Guest {
        let mut guest = self.server(&[*psk], our_nonce, exponent);
        world::Session::handshake(&mut guest, hello);
        guest
    }

    fn identify(&self, psks: &[Psk], our_nonce: &[u8; 32], hello: &[u8]) -> Option<u32> {
        let mut guest = self.server(psks, our_nonce, &[1; 32]);
        guest.handle_crypt(hello);
        guest.peer_secret()
    }

    fn sleep_and_wake(&self, mut session: Guest) -> Guest {
        let state = session.suspend().expect("it is established");
        Guest::resume(&self.0, &state).expect("a guest")
    }

    fn pair(&self, side: Side, code: Option<&str>, entropy: &[u8; 32]) -> pairing::Exchange {
        let side = match side {
            Side::Client => End::Client,
            Side::Server => End::Server,
        };
        pairing::Exchange::with_entropy(&self.0, side, code, entropy).expect("a guest")
    }
}

impl world::Session for Guest {
    fn start(&mut self) -> Vec<u8> {
        genuine(self.start())
    }

    fn compute(&mut self) -> Vec<u8> {
        genuine(self.compute())
    }

    fn handshake(&mut self, from_peer: &[u8]) -> Vec<u8> {
        genuine(self.handle_crypt(from_peer))
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        genuine(self.handle_plain(plain))
    }

    fn open(&mut self, sealed: &[u8]) -> (Vec<u8>, bool) {
        let output = self.handle_crypt(sealed);
        (output.to_plain, output.status == Status::Established)
    }
}

/// What goes to the peer, of a call that has not failed.
fn genuine(output: Output) -> Vec<u8> {
    if let Status::Failed(failure) = output.status {
        panic!("the peer is genuine: {failure:?}");
    }
    output.to_crypt
}

impl world::Exchange for pairing::Exchange {
    fn start(&mut self) -> Vec<u8> {
        self.start().to_peer
    }

    fn receive(&mut self, from_peer: &[u8]) -> Vec<u8> {
        self.receive(from_peer).to_peer
    }

    fn confirm(&mut self) -> Vec<u8> {
        self.confirm().to_peer
    }

    fn is_agreed(&mut self) -> bool {
        matches!(self.receive(&[]).status, pairing::Status::Agreed(_))
    }
}
