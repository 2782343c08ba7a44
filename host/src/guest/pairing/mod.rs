//! One end of a pairing, in a sandbox of its own.

mod bounds;
mod words;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use zeroize::Zeroizing;

use super::bindings::exports::spiped::pipe::pairing::{self, GuestExchange};
use super::clock::Allowance;
use super::imports::Imports;
use super::instance::Guest;
use super::{Engine, Side};
use bounds::Bounds;

pub use pairing::{Failure as ProtocolFailure, Misuse, Output, PeerFault, Status};

/// Why an exchange failed.
pub type Failure = super::Failure<ProtocolFailure>;
/// Why an exchange could not be made.
pub type GuestError = super::GuestError<ProtocolFailure>;

impl From<Misuse> for ProtocolFailure {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// How many random bytes an exchange needs.
pub const ENTROPY_LEN: usize = 32;

/// One end of a pairing, inside its sandbox.
///
/// The calls are those of the WIT package's `exchange`, with the same rules. The first
/// failure is final. A trap, a call that does not return, or an impossible answer is a
/// [`Failure::Guest`].
pub struct Exchange {
    guest: Guest<ProtocolFailure>,
    bounds: Bounds,
}

impl Exchange {
    /// A fresh exchange with fresh random bytes. `code` is in canonical form.
    ///
    /// # Errors
    /// When the pool is empty, the system gives no random bytes, or the guest
    /// fails.
    pub fn new(engine: &Engine, side: Side, code: Option<&str>) -> Result<Self, GuestError> {
        let mut entropy = Zeroizing::new([0; ENTROPY_LEN]);
        getrandom::fill(&mut *entropy)?;
        Self::with_entropy(engine, side, code, &entropy)
    }

    /// A fresh exchange with given random bytes, to replay a conversation.
    ///
    /// # Errors
    /// When the pool is empty or the guest fails.
    pub fn with_entropy(
        engine: &Engine,
        side: Side,
        code: Option<&str>,
        entropy: &[u8; ENTROPY_LEN],
    ) -> Result<Self, GuestError> {
        let guest = Guest::new(engine, |store, instance| {
            let api = instance.spiped_pipe_pairing();
            api.exchange().call_constructor(store, side, code, entropy)
        })?;
        Ok(Self { guest, bounds: Bounds::new(side, code.is_some()) })
    }

    /// Begins the exchange: a client's commitment is sent.
    ///
    /// # Errors
    /// The guest's failure.
    pub fn start(&mut self) -> Result<Output, Failure> {
        self.advance(|api, store, exchange| api.call_start(store, exchange))
    }

    /// Consumes bytes from the peer.
    ///
    /// # Errors
    /// What the peer did wrong, or the guest's failure.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Output, Failure> {
        self.bounds.receive(bytes.len());
        self.advance(|api, store, exchange| api.call_receive(store, exchange, bytes))
    }

    /// The user has confirmed that both ends show the same string.
    ///
    /// # Errors
    /// The guest's failure.
    pub fn confirm(&mut self) -> Result<Output, Failure> {
        self.bounds.confirm();
        self.advance(|api, store, exchange| api.call_confirm(store, exchange))
    }

    /// The user has reported that the strings differ: the exchange is over.
    ///
    /// # Errors
    /// The guest's failure.
    pub fn reject(&mut self) -> Result<(), Failure> {
        self.call(|api, store, exchange| api.call_reject(store, exchange))
    }

    /// The peer's stream has ended.
    ///
    /// # Errors
    /// Unless both have confirmed.
    pub fn eof(&mut self) -> Result<(), Failure> {
        self.call(|api, store, exchange| api.call_eof(store, exchange))
    }

    /// The content of the key file. Can be called once, after both ends have confirmed.
    ///
    /// # Errors
    /// When there is no key.
    pub fn take_key(&mut self) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let key = self.call(|api, store, exchange| api.call_take_key(store, exchange))?;
        let key = self.bounds.allow_key(&Zeroizing::new(key));
        key.ok_or_else(|| self.guest.fail(Failure::impossible()))
    }

    /// Makes a call that advances the exchange.
    fn advance(
        &mut self,
        enter: impl FnOnce(
            GuestExchange<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<Result<Output, ProtocolFailure>>,
    ) -> Result<Output, Failure> {
        let output = self.call(enter)?;
        if self.bounds.allow(&output) {
            Ok(output)
        } else {
            Err(self.guest.fail(Failure::impossible()))
        }
    }

    fn call<T>(
        &mut self,
        enter: impl FnOnce(
            GuestExchange<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<Result<T, ProtocolFailure>>,
    ) -> Result<T, Failure> {
        let answer =
            self.guest.call_and_wipe(Allowance::Background, |store, instance, exchange| {
                enter(instance.spiped_pipe_pairing().exchange(), store, exchange)
            })?;
        answer.map_err(|failure| self.guest.fail(Failure::Protocol(failure)))
    }
}
