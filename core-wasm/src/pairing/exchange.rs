//! The exchange: the interface of the pairing protocol.

use alloc::vec::Vec;
use core::mem;

use super::code::canonical;
use super::confirming::Confirming;
use super::error::{Error, Misuse, PeerFault};
use super::message::{HELLO_LEN, VALUE_LEN, Value, hello, may_be_hello, parse_hello};
use super::schedule::{Key, Keys, Transcript, commitment, opens};
use super::share::{EXPONENT_LEN, Share};
use super::status::Status;
use crate::config::Side;
use crate::inbound::Inbound;
use crate::secret::{Secret, wipe_stack};

/// Random bytes for one exchange. Using them twice reveals its keys.
pub type Entropy = Secret<EXPONENT_LEN>;

/// One end of one pairing: bytes in, bytes and a status out.
///
/// Call [`start`](Self::start) first, then pass the peer's bytes to
/// [`receive`](Self::receive). Each call consumes all of its input and appends the
/// bytes to send. An error is final and repeats. After an error, send nothing of that
/// call's output: otherwise an attacker could make an end confirm and fail in the same
/// call, and the other end would keep a key.
pub struct Exchange {
    state: Result<State, Error>,
    ended: bool,
}

#[allow(clippy::large_enum_variant, reason = "moved a handful of times per pairing")]
enum State {
    Fresh(Local),
    ExpectHello(ExpectHello),
    ExpectValue(ExpectValue),
    Confirming(Confirming),
    /// The key, until it is taken.
    Agreed(Option<Key>),
}

/// The side of this end, and its share.
struct Local {
    side: Side,
    share: Share,
}

/// Either end, before the peer's first message.
struct ExpectHello {
    local: Local,
    hello: Inbound<HELLO_LEN>,
}

/// The server, before the client's public value.
struct ExpectValue {
    local: Local,
    commitment: Value,
    value: Inbound<VALUE_LEN>,
}

impl Exchange {
    /// An exchange that has not begun. `side` is [`Side::Client`] for the end that
    /// connects. A `code` is converted to its canonical form.
    ///
    /// # Errors
    /// [`Misuse::CodeLength`], [`Misuse::CodeCharacters`],
    /// [`Misuse::BrokenRandomness`].
    pub fn new(side: Side, code: Option<&str>, entropy: &Entropy) -> Result<Self, Misuse> {
        if bool::from(entropy.is_uniform()) {
            return Err(Misuse::BrokenRandomness);
        }
        let exponent = entropy.clone();
        let share = match code {
            None => Share::comparing(exponent),
            Some(code) => Share::code(&canonical(code)?, exponent),
        };
        wipe_stack();
        Ok(Self { state: Ok(State::Fresh(Local { side, share })), ended: false })
    }

    /// Begins the exchange: a client's commitment is sent.
    ///
    /// # Errors
    /// [`Misuse::StartOrder`] when called again.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.advance(|state| match state {
            State::Fresh(local) => {
                if local.side == Side::Client {
                    let mode = local.share.mode();
                    let commitment = commitment(mode, &local.share.public);
                    out.extend_from_slice(&hello(local.side, mode, &commitment));
                }
                Ok(State::ExpectHello(ExpectHello { local, hello: Inbound::new() }))
            }
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_) => Err(Misuse::StartOrder.into()),
        })
    }

    /// Consumes bytes from the peer. Bytes after the agreement are ignored.
    ///
    /// # Errors
    /// Any [`PeerFault`] but the truncation; [`Misuse::StartOrder`],
    /// [`Misuse::AfterEof`].
    pub fn receive(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.check_open()?;
        loop {
            let result = self.advance(|state| state.receive(&mut bytes, out));
            wipe_stack();
            result?;
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// The user has confirmed that both ends show the same string: our confirmation is
    /// sent.
    ///
    /// # Errors
    /// [`Misuse::NothingToConfirm`], [`Misuse::StartOrder`].
    pub fn confirm(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.advance(|state| {
            let mut confirming = state.into_confirming()?;
            confirming.confirm(out)?;
            Ok(confirming.into())
        })
    }

    /// The user has reported that the strings differ. The exchange is over.
    ///
    /// # Errors
    /// [`Misuse::NothingToConfirm`], [`Misuse::StartOrder`].
    pub fn reject(&mut self) -> Result<(), Error> {
        self.advance(|state| {
            let confirming = state.into_confirming()?;
            confirming.check_comparing()?;
            Ok(confirming.into())
        })?;
        self.state = Err(Error::Rejected);
        Ok(())
    }

    /// The peer's stream has ended.
    ///
    /// # Errors
    /// [`PeerFault::Truncated`] unless the key was agreed on;
    /// [`Misuse::StartOrder`], [`Misuse::AfterEof`].
    pub fn eof(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.ended = true;
        self.advance(|state| match state {
            State::Agreed(_) => Ok(state),
            State::Fresh(_)
            | State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_) => Err(PeerFault::Truncated.into()),
        })
    }

    /// The progress of the exchange.
    ///
    /// # Errors
    /// The failure, if it has failed.
    pub fn status(&self) -> Result<Status, Error> {
        match &self.state {
            Ok(State::Fresh(_) | State::ExpectHello(_)) => Ok(Status::Waiting),
            Ok(State::ExpectValue(_)) => Ok(Status::Exchanging),
            Ok(State::Confirming(confirming)) => Ok(confirming.status()),
            Ok(State::Agreed(_)) => Ok(Status::Agreed),
            Err(error) => Err(*error),
        }
    }

    /// Takes the key; the exchange keeps no copy.
    ///
    /// # Errors
    /// [`Misuse::NoKey`].
    pub fn take_key(&mut self) -> Result<Key, Error> {
        let key = match &mut self.state {
            Ok(State::Agreed(key)) => key.take().ok_or(Misuse::NoKey.into()),
            Ok(_) => Err(Misuse::NoKey.into()),
            Err(error) => Err(*error),
        };
        if let Err(error) = &key {
            self.state = Err(*error);
        }
        key
    }

    /// Fails if bytes or an end must not be passed in now.
    fn check_open(&mut self) -> Result<(), Error> {
        let ended = self.ended;
        self.advance(|state| match state {
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_)
                if ended =>
            {
                Err(Misuse::AfterEof.into())
            }
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_) => Ok(state),
        })
    }

    /// Replaces the state by what `step` makes of it, or by its error.
    fn advance(&mut self, step: impl FnOnce(State) -> Result<State, Error>) -> Result<(), Error> {
        let state = mem::replace(&mut self.state, Err(Misuse::StartOrder.into()));
        self.state = state.and_then(step);
        self.state.as_ref().map(|_| ()).map_err(|error| *error)
    }
}

impl State {
    /// Takes the bytes this state needs from the front of `bytes`.
    fn receive(self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<Self, Error> {
        match self {
            Self::Fresh(_) => Err(Misuse::StartOrder.into()),
            Self::ExpectHello(state) => Ok(state.receive(bytes, out)?),
            Self::ExpectValue(state) => Ok(state.receive(bytes, out)?),
            Self::Confirming(mut confirming) => {
                confirming.receive(bytes, out)?;
                Ok(confirming.into())
            }
            Self::Agreed(_) => {
                *bytes = &[];
                Ok(self)
            }
        }
    }

    fn into_confirming(self) -> Result<Confirming, Misuse> {
        match self {
            Self::Confirming(confirming) => Ok(confirming),
            Self::Fresh(_) => Err(Misuse::StartOrder),
            Self::ExpectHello(_) | Self::ExpectValue(_) | Self::Agreed(_) => {
                Err(Misuse::NothingToConfirm)
            }
        }
    }
}

impl From<Confirming> for State {
    /// Checks whether both ends have confirmed.
    fn from(confirming: Confirming) -> Self {
        match confirming.agreed() {
            Some(key) => Self::Agreed(Some(key)),
            None => Self::Confirming(confirming),
        }
    }
}

impl ExpectHello {
    fn receive(mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<State, PeerFault> {
        let Some(hello) = self.hello.fill(bytes) else {
            // The first byte usually identifies a stranger.
            return if may_be_hello(self.hello.bytes()) {
                Ok(State::ExpectHello(self))
            } else {
                Err(PeerFault::NotPairing)
            };
        };
        let Local { side, share } = &self.local;
        match side {
            Side::Client => {
                let server = parse_hello(hello, Side::Server, share.mode())?;
                let commitment = commitment(share.mode(), &share.public);
                let keys = self.local.keys(&server, &commitment)?;
                out.extend_from_slice(&share.public);
                let confirming = Confirming::begin(*side, share.mode(), keys, out);
                Ok(State::Confirming(confirming))
            }
            Side::Server => {
                let commitment = parse_hello(hello, Side::Client, share.mode())?;
                out.extend_from_slice(&self::hello(*side, share.mode(), &share.public));
                let value = Inbound::new();
                Ok(State::ExpectValue(ExpectValue { local: self.local, commitment, value }))
            }
        }
    }
}

impl ExpectValue {
    fn receive(mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<State, PeerFault> {
        let Some(client) = self.value.fill(bytes) else {
            return Ok(State::ExpectValue(self));
        };
        let Local { side, share } = &self.local;
        if !opens(&self.commitment, share.mode(), client) {
            return Err(PeerFault::BadCommitment);
        }
        let keys = self.local.keys(client, &self.commitment)?;
        Ok(State::Confirming(Confirming::begin(*side, share.mode(), keys, out)))
    }
}

impl Local {
    fn keys(&self, peer: &Value, commitment: &Value) -> Result<Keys, PeerFault> {
        let shared = self.share.shared(peer).ok_or(PeerFault::BadPublicValue)?;
        let (client, server) = match self.side {
            Side::Client => (&self.share.public, peer),
            Side::Server => (peer, &self.share.public),
        };
        let mode = self.share.mode();
        Ok(Keys::derive(&shared, &Transcript { mode, commitment, server, client }))
    }
}
