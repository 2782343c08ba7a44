//! A session in any build: what it is made of, its calls, their answers.

use spiped_core::{Config, Error, KeyExchange, Status};

/// What a session is made of. Lengths and numbers are not checked here: that
/// is the session's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingredients {
    /// The constructor's arguments.
    New {
        /// Side, key exchange, forward secrecy.
        config: Config,
        /// The accepted secrets.
        secrets: Vec<Vec<u8>>,
        /// Nonce and exponent.
        entropy: Vec<u8>,
    },
    /// A suspended session's state.
    Resumed(Vec<u8>),
}

/// A call on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `start`
    Start,
    /// `compute`
    Compute,
    /// `handle-crypt`
    Crypt(Vec<u8>),
    /// `handle-plain`
    Plain(Vec<u8>),
    /// `crypt-eof`
    CryptEof,
    /// `plain-eof`
    PlainEof,
    /// `peer-secret`
    PeerSecret,
    /// `key-exchange`
    KeyExchange,
    /// `suspend`
    Suspend,
}

/// What one call answered, in any build. `B` stands for bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<B = Vec<u8>> {
    /// Most calls' answer.
    Output {
        /// Bytes for the peer.
        to_crypt: B,
        /// Bytes for the application.
        to_plain: B,
        /// Where the session stands.
        status: Result<Status, Error>,
    },
    /// `peer-secret`'s answer.
    PeerSecret(Option<u32>),
    /// `key-exchange`'s answer.
    KeyExchange(Option<KeyExchange>),
    /// `suspend`'s answer.
    State(Result<B, Error>),
}

/// A session in some build.
pub trait Build {
    /// Makes one call.
    fn call(&mut self, call: &Call) -> Answer;
}
