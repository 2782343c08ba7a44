//! The handshake: one type per state, consumed by value.
//!
//! ```text
//! client                                           server
//!   start            nonce_C  ─────  nonce_S          start
//!   MakeShare                                          :
//!   ExpectNonce      y_C, MAC ──────────────▶         ExpectNonce
//!     :                                               ExpectKeyShare
//!     :              ◀─────────────── y_S, MAC         MakeShare
//!   ExpectKeyShare                                     :
//!   Agree                                             Agree
//! ```
//!
//! The client chooses the key exchange; its key share tells the server.
//! `MakeShare` and `Agree` compute one value each and wait for
//! `Session::compute`; an end that omits forward secrecy skips both. The
//! client makes its share while the nonces travel. The server computes
//! nothing before the client's MAC has verified.

mod client;
mod server;
mod share;

use alloc::vec::Vec;

use crate::dh::{Exponent, KeyExchange, PublicValue, SharedValue};
use crate::error::PeerFault;
use crate::keys::{Agreement, Nonce, Nonces, Psk, SessionKeys};
use crate::session::{ForwardSecrecy, Side};

pub use share::KEY_SHARE_LEN;

/// What a session is constructed with; stays the same through the handshake.
pub(crate) struct Local {
    pub(crate) side: Side,
    /// `None` on a server that leaves it to the client.
    pub(crate) exchange: Option<KeyExchange>,
    pub(crate) forward_secrecy: ForwardSecrecy,
    pub(crate) psks: Vec<Psk>,
    pub(crate) nonce: Nonce,
    pub(crate) exponent: Exponent,
}

/// A handshake under way.
pub(crate) enum Handshake {
    ClientMakeShare(client::MakeShare),
    ClientExpectNonce(client::ExpectNonce),
    ClientExpectKeyShare(client::ExpectKeyShare),
    ServerExpectNonce(server::ExpectNonce),
    ServerExpectKeyShare(server::ExpectKeyShare),
    ServerMakeShare(server::MakeShare),
    Agree(Agree),
}

/// Where a step led.
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
    /// Index of the secret the peer proved to hold.
    pub(crate) secret: u32,
}

impl Handshake {
    /// Begins; our nonce is already on its way.
    pub(crate) fn begin(local: Local) -> Self {
        match local.side {
            Side::Client => client::begin(local),
            Side::Server => Self::ServerExpectNonce(server::ExpectNonce::new(local)),
        }
    }

    /// Takes from the front of `bytes` what this state waits for; nothing
    /// while a value is due.
    pub(crate) fn handle(
        self,
        bytes: &mut &[u8],
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        match self {
            Self::ClientExpectNonce(state) => Ok(Step::Next(state.handle(bytes, to_crypt))),
            Self::ServerExpectNonce(state) => Ok(Step::Next(state.handle(bytes))),
            Self::ClientExpectKeyShare(state) => state.handle(bytes),
            Self::ServerExpectKeyShare(state) => state.handle(bytes, to_crypt),
            Self::ClientMakeShare(_) | Self::ServerMakeShare(_) | Self::Agree(_) => {
                Ok(Step::Next(self))
            }
        }
    }

    /// Computes the value that is due; nothing if none is.
    pub(crate) fn compute(self, to_crypt: &mut Vec<u8>) -> Result<Step, PeerFault> {
        Ok(match self {
            Self::ClientMakeShare(state) => Step::Next(state.compute()),
            Self::ServerMakeShare(state) => Step::Next(state.compute(to_crypt)),
            Self::Agree(state) => Step::Done(state.compute()?),
            Self::ClientExpectNonce(_)
            | Self::ClientExpectKeyShare(_)
            | Self::ServerExpectNonce(_)
            | Self::ServerExpectKeyShare(_) => Step::Next(self),
        })
    }

    /// Whether a value is due.
    pub(crate) fn is_computing(&self) -> bool {
        matches!(self, Self::ClientMakeShare(_) | Self::ServerMakeShare(_) | Self::Agree(_))
    }

    /// Index of the secret the peer proved to hold, once it has.
    pub(crate) fn peer_secret(&self) -> Option<u32> {
        self.proven().map(|proven| proven.secret)
    }

    /// The key exchange, as soon as it is known.
    pub(crate) fn exchange(&self) -> Option<KeyExchange> {
        match self {
            Self::ClientMakeShare(state) => Some(state.exchange()),
            Self::ClientExpectNonce(state) => Some(state.exchange()),
            Self::ClientExpectKeyShare(state) => Some(state.exchange()),
            Self::ServerExpectNonce(_)
            | Self::ServerExpectKeyShare(_)
            | Self::ServerMakeShare(_)
            | Self::Agree(_) => self.proven().map(Proven::exchange),
        }
    }

    fn proven(&self) -> Option<&Proven> {
        match self {
            Self::ServerMakeShare(state) => Some(state.proven()),
            Self::Agree(state) => Some(&state.proven),
            Self::ClientMakeShare(_)
            | Self::ClientExpectNonce(_)
            | Self::ClientExpectKeyShare(_)
            | Self::ServerExpectNonce(_)
            | Self::ServerExpectKeyShare(_) => None,
        }
    }
}

/// A peer whose key share has verified.
pub(crate) struct Proven {
    /// The end we are.
    side: Side,
    psk: Psk,
    /// The index of `psk` among the accepted secrets.
    secret: u32,
    nonces: Nonces,
    peer: PublicValue,
}

impl Proven {
    fn exchange(&self) -> KeyExchange {
        self.peer.exchange()
    }

    /// Finishes without an exponentiation: our exponent is 0, as it were.
    fn agree_without_exponent(&self) -> Agreed {
        self.agree(&PublicValue::ONE, &SharedValue::omitted())
    }

    /// `value` is ours.
    fn agree(&self, value: &PublicValue, shared: &SharedValue) -> Agreed {
        let (client, server) = match self.side {
            Side::Client => (value, &self.peer),
            Side::Server => (&self.peer, value),
        };
        Agreed {
            side: self.side,
            exchange: self.exchange(),
            keys: SessionKeys::derive(
                &self.psk,
                &self.nonces,
                &Agreement { client, server, shared },
            ),
            secret: self.secret,
        }
    }
}

/// Both public values are known: the shared value is due.
pub(crate) struct Agree {
    proven: Proven,
    exponent: Exponent,
    /// Our public value.
    value: PublicValue,
}

impl Agree {
    fn compute(self) -> Result<Agreed, PeerFault> {
        let shared = self.exponent.shared_value(&self.proven.peer)?;
        Ok(self.proven.agree(&self.value, &shared))
    }
}
