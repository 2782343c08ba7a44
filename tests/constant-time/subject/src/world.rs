//! What the operations need of the protocol: the few calls of either world.

use spiped_core::{KeyExchange, Side};

/// A form of the protocol's code.
pub trait World {
    /// One end of a connection.
    type Session: Session;
    /// One end of a pairing.
    type Exchange: Exchange;

    /// A client's session, before anything was sent.
    fn connect(&self, exchange: KeyExchange, psk: &Psk, entropy: &[u8; 64]) -> Self::Session;

    /// A server's session with a client that sent `hello`, with its public
    /// value still to be computed.
    fn accept(
        &self,
        psk: &Psk,
        our_nonce: &[u8; 32],
        hello: &[u8],
        exponent: &[u8; 32],
    ) -> Self::Session;

    /// Which of `psks` the client has that sent `hello`; `None` without any.
    fn identify(&self, psks: &[Psk], our_nonce: &[u8; 32], hello: &[u8]) -> Option<u32>;

    /// An established session, suspended and resumed.
    fn sleep_and_wake(&self, session: Self::Session) -> Self::Session;

    /// One end of a pairing, before anything was sent.
    fn pair(&self, side: Side, code: Option<&str>, entropy: &[u8; 32]) -> Self::Exchange;
}

/// A pre-shared key.
pub type Psk = [u8; 32];

/// One end of a connection. What its calls return is for the peer.
pub trait Session {
    /// `start`
    fn start(&mut self) -> Vec<u8>;
    /// `compute`
    fn compute(&mut self) -> Vec<u8>;
    /// `handle-crypt`, of a genuine peer's part of the handshake.
    fn handshake(&mut self, from_peer: &[u8]) -> Vec<u8>;
    /// `handle-plain`
    fn seal(&mut self, plain: &[u8]) -> Vec<u8>;
    /// `handle-crypt`, of packets: plaintext, and whether all of it was
    /// authentic.
    fn open(&mut self, sealed: &[u8]) -> (Vec<u8>, bool);
}

/// One end of a pairing. What its calls return is for the peer.
pub trait Exchange {
    /// `start`
    fn start(&mut self) -> Vec<u8>;
    /// `receive`
    fn receive(&mut self, from_peer: &[u8]) -> Vec<u8>;
    /// `confirm`
    fn confirm(&mut self) -> Vec<u8>;
    /// `take-key`, when both have confirmed.
    fn take_key(&mut self) -> [u8; 32];
}
