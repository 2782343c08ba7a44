//! The handshake: one type per state, consumed by value.
//!
//! ```text
//! client                                           server
//!   connect          nonce_C  ─────  nonce_S          (its host)
//!   MakeShare                                          :
//!   ExpectNonce      y_C, MAC ──────────────▶         (acceptor), accept
//!     :                                               MakeShare
//!     :              ◀─────────────── y_S, MAC          :
//!   ExpectKeyShare                                     :
//!   Agree                                             Agree
//! ```
//!
//! The client chooses the key exchange, and its key share tells the server. `MakeShare`
//! and `Agree` compute one value each and wait for `Session::compute`; an end that
//! omits forward secrecy skips both. The client makes its share while the nonces are in
//! transit. The server has no state before the client's MAC has verified.

mod client;
pub(crate) mod hello;
mod server;
mod share;

use alloc::vec::Vec;

use crate::config::{ClientConfig, KeyExchange, ServerConfig, Side};
use crate::dh::{Exponent, PublicValue, SharedValue};
use crate::error::PeerFault;
use crate::keys::{Agreement, Nonce, Nonces, Psk, SessionKeys};

pub(crate) use hello::Hello;
pub use share::KEY_SHARE_LEN;

/// A handshake in progress.
pub(crate) enum Handshake {
    ClientMakeShare(client::MakeShare),
    ClientExpectNonce(client::ExpectNonce),
    ClientExpectKeyShare(client::ExpectKeyShare),
    ServerMakeShare(server::MakeShare),
    Agree(Agree),
}

/// The result of a step.
#[allow(clippy::large_enum_variant, reason = "moved a handful of times per connection")]
pub(crate) enum Step {
    Next(Handshake),
    Done(Agreed),
}

/// A completed handshake.
pub(crate) struct Agreed {
    /// The end we are.
    pub(crate) side: Side,
    pub(crate) exchange: KeyExchange,
    pub(crate) keys: SessionKeys,
}

impl Handshake {
    /// A client's handshake, after it has sent its nonce.
    pub(crate) fn connect(
        config: ClientConfig,
        psk: Psk,
        nonce: Nonce,
        exponent: Exponent,
    ) -> Self {
        client::begin(config, psk, nonce, exponent)
    }

    /// A server's handshake with a client that has sent this hello.
    pub(crate) fn accept(
        config: ServerConfig,
        hello: &Hello<'_>,
        psk: Psk,
        exponent: Exponent,
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        server::begin(config, hello, psk, exponent, to_crypt)
    }

    /// Takes the bytes this state waits for from the front of `bytes`; none while a
    /// value is due.
    pub(crate) fn handle(
        self,
        bytes: &mut &[u8],
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        match self {
            Self::ClientExpectNonce(state) => state.handle(bytes, to_crypt),
            Self::ClientExpectKeyShare(state) => state.handle(bytes),
            Self::ClientMakeShare(_) | Self::ServerMakeShare(_) | Self::Agree(_) => {
                Ok(Step::Next(self))
            }
        }
    }

    /// Computes the value that is due, if one is.
    pub(crate) fn compute(self, to_crypt: &mut Vec<u8>) -> Result<Step, PeerFault> {
        match self {
            Self::ClientMakeShare(state) => Ok(Step::Next(state.compute())),
            Self::ServerMakeShare(state) => state.compute(to_crypt),
            Self::Agree(state) => state.compute().map(Step::Done),
            Self::ClientExpectNonce(_) | Self::ClientExpectKeyShare(_) => Ok(Step::Next(self)),
        }
    }

    /// Whether a value is due.
    pub(crate) fn wants_compute(&self) -> bool {
        matches!(self, Self::ClientMakeShare(_) | Self::ServerMakeShare(_) | Self::Agree(_))
    }
}

/// An end whose peer's key share has verified.
pub(crate) struct Authenticated {
    /// The end we are.
    side: Side,
    psk: Psk,
    nonces: Nonces,
    peer: PublicValue,
}

impl Authenticated {
    fn exchange(&self) -> KeyExchange {
        self.peer.exchange()
    }

    /// Completes the handshake without an exponentiation, as if our exponent were 0:
    /// protocol.md H-6.
    fn agree_without_exponent(&self) -> Agreed {
        self.agree(&PublicValue::ONE, &SharedValue::omitted())
    }

    /// Derives the session keys. `value` is our public value.
    fn agree(&self, value: &PublicValue, shared: &SharedValue) -> Agreed {
        let (client, server) = match self.side {
            Side::Client => (value, &self.peer),
            Side::Server => (&self.peer, value),
        };
        let agreement = Agreement {
            exchange: self.exchange(),
            client: &client.to_bytes(),
            server: &server.to_bytes(),
            shared: shared.expose(),
        };
        Agreed {
            side: self.side,
            exchange: self.exchange(),
            keys: SessionKeys::derive(&self.psk, &self.nonces, &agreement),
        }
    }
}

/// Both public values are known: the shared value is due.
pub(crate) struct Agree {
    authenticated: Authenticated,
    exponent: Exponent,
    /// Our public value.
    value: PublicValue,
}

impl Agree {
    fn compute(self) -> Result<Agreed, PeerFault> {
        let shared = self.exponent.shared_value(&self.authenticated.peer)?;
        Ok(self.authenticated.agree(&self.value, &shared))
    }
}
