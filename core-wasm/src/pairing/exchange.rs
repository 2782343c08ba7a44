//! The exchange: what every user of the pairing protocol calls.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::confirming::Confirming;
use super::error::{Error, Misuse, PeerFault};
use super::message::{HELLO_LEN, VALUE_LEN, Value, hello, may_be_hello, parse_hello};
use super::schedule::{Keys, Transcript, commitment, opens};
use super::share::{EXPONENT_LEN, Share};
use crate::Side;
use crate::inbound::Inbound;
use crate::secret::Secret;

/// Random bytes for one exchange. Using them twice gives its keys away.
pub type Entropy = Secret<EXPONENT_LEN>;

/// The new key file's content.
pub type Key = Secret<32>;

/// A code has no fewer characters: each run is one guess for an attacker.
const CODE_CHARS_MIN: usize = 6;
/// A code has no more bytes.
const CODE_LEN_MAX: usize = 1024;

/// Where an exchange stands, unless it has failed.
#[derive(Clone, Debug)]
pub enum Status {
    /// No complete first message of the peer has come yet.
    Waiting,
    /// The peer speaks this protocol; more of its bytes are needed.
    Exchanging,
    /// This is for the user to compare: call [`Exchange::confirm`] if the
    /// other end shows the same.
    Comparing(String),
    /// We have confirmed; the peer has not yet.
    Confirmed,
    /// Both have confirmed.
    Agreed(Key),
}

/// One end of one pairing: bytes in, bytes and a verdict out.
///
/// Call [`start`](Self::start) first, then pass what the peer sends to
/// [`receive`](Self::receive). Every call takes its input whole and appends
/// what is to be sent. An error is final and repeats.
pub struct Exchange {
    state: State,
    ended: bool,
}

#[allow(clippy::large_enum_variant, reason = "moved a handful of times per pairing")]
enum State {
    Fresh(Local),
    ExpectHello(ExpectHello),
    ExpectValue(ExpectValue),
    Confirming(Confirming),
    Agreed(Key),
    Failed(Error),
}

/// What this end knows of itself.
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
    /// One end. `side` is [`Side::Client`] for the one that connects. White
    /// space around a `code` does not count.
    ///
    /// # Errors
    /// [`Misuse::CodeLength`].
    pub fn new(side: Side, code: Option<&str>, entropy: &Entropy) -> Result<Self, Misuse> {
        let exponent = entropy.clone();
        let share = match code.map(str::trim) {
            None => Share::comparing(exponent),
            Some(code) if code.chars().count() < CODE_CHARS_MIN || code.len() > CODE_LEN_MAX => {
                return Err(Misuse::CodeLength);
            }
            Some(code) => Share::code(code.as_bytes(), exponent),
        };
        Ok(Self { state: State::Fresh(Local { side, share }), ended: false })
    }

    /// Begins: a client's commitment goes out.
    ///
    /// # Errors
    /// [`Misuse::StartOrder`] when called again.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let result = match self.take_state() {
            State::Fresh(local) => {
                if local.side == Side::Client {
                    let mode = local.share.mode();
                    let commitment = commitment(mode, &local.share.public);
                    out.extend_from_slice(&hello(local.side, mode, &commitment));
                }
                self.state = State::ExpectHello(ExpectHello { local, hello: Inbound::new() });
                Ok(())
            }
            State::Failed(error) => Err(error),
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_) => Err(Misuse::StartOrder.into()),
        };
        self.settle(result)
    }

    /// Takes bytes that came from the peer. Those that come after the key was
    /// agreed on are not looked at.
    ///
    /// # Errors
    /// Any [`PeerFault`] but the cut-off; [`Misuse::StartOrder`],
    /// [`Misuse::AfterEof`].
    pub fn receive(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.check_open()?;
        loop {
            let step = self.step(&mut bytes, out);
            self.settle(step)?;
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// The user says that both ends show the same string: our confirmation
    /// goes out.
    ///
    /// # Errors
    /// [`Misuse::NothingToConfirm`], [`Misuse::StartOrder`].
    pub fn confirm(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let result = match &mut self.state {
            State::Confirming(confirming) => confirming.confirm(out).map_err(Error::from),
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::Failed(error) => Err(*error),
            State::ExpectHello(_) | State::ExpectValue(_) | State::Agreed(_) => {
                Err(Misuse::NothingToConfirm.into())
            }
        };
        self.settle(result)?;
        self.look_for_agreement();
        Ok(())
    }

    /// The peer's stream has ended.
    ///
    /// # Errors
    /// [`PeerFault::CutOff`] unless the key was agreed on;
    /// [`Misuse::StartOrder`], [`Misuse::AfterEof`].
    pub fn eof(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.ended = true;
        let result = match &self.state {
            State::Agreed(_) => Ok(()),
            State::Failed(error) => Err(*error),
            State::Fresh(_)
            | State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_) => Err(PeerFault::CutOff.into()),
        };
        self.settle(result)
    }

    /// Where the exchange stands.
    ///
    /// # Errors
    /// The failure, if it has failed.
    pub fn status(&self) -> Result<Status, Error> {
        match &self.state {
            State::Fresh(_) | State::ExpectHello(_) => Ok(Status::Waiting),
            State::ExpectValue(_) => Ok(Status::Exchanging),
            State::Confirming(confirming) => Ok(confirming.status()),
            State::Agreed(key) => Ok(Status::Agreed(key.clone())),
            State::Failed(error) => Err(*error),
        }
    }

    /// Takes from the front of `bytes` what the present state wants.
    fn step(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match &mut self.state {
            State::Confirming(confirming) => {
                confirming.receive(bytes, out)?;
                self.look_for_agreement();
                return Ok(());
            }
            State::Agreed(_) => {
                *bytes = &[];
                return Ok(());
            }
            State::Fresh(_) => return Err(Misuse::StartOrder.into()),
            State::Failed(error) => return Err(*error),
            State::ExpectHello(_) | State::ExpectValue(_) => {}
        }
        match self.take_state() {
            State::ExpectHello(state) => self.state = state.receive(bytes, out)?,
            State::ExpectValue(state) => self.state = state.receive(bytes, out)?,
            State::Fresh(_) | State::Confirming(_) | State::Agreed(_) | State::Failed(_) => {}
        }
        Ok(())
    }

    fn look_for_agreement(&mut self) {
        if let State::Confirming(confirming) = &self.state
            && let Some(key) = confirming.agreed()
        {
            self.state = State::Agreed(key);
        }
    }

    fn check_open(&mut self) -> Result<(), Error> {
        let result = match &self.state {
            State::Failed(error) => Err(*error),
            State::Fresh(_) => Err(Misuse::StartOrder.into()),
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_)
                if self.ended =>
            {
                Err(Misuse::AfterEof.into())
            }
            State::ExpectHello(_)
            | State::ExpectValue(_)
            | State::Confirming(_)
            | State::Agreed(_) => Ok(()),
        };
        self.settle(result)
    }

    /// Makes an error this exchange's last word.
    fn settle(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    /// Takes the state out to consume it; the caller puts the next one in, or
    /// settles on an error.
    fn take_state(&mut self) -> State {
        mem::replace(&mut self.state, State::Failed(Misuse::StartOrder.into()))
    }
}

impl ExpectHello {
    fn receive(mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<State, PeerFault> {
        let Some(hello) = self.hello.fill(bytes) else {
            // A stranger is known by its first byte, mostly.
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
