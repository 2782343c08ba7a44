//! One end of a pairing, in a sandbox of its own.

mod output;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use zeroize::Zeroizing;

use super::bindings::exports::spiped::pipe::pairing::{self, GuestExchange};
use super::imports::Imports;
use super::instance::Guest;
use super::{Engine, Side};
use output::Bounds;

pub use output::{Output, Status};
pub use pairing::{Failure as ProtocolFailure, Misuse, PeerFault};

/// Why an exchange is over.
pub type Failure = super::Failure<ProtocolFailure>;
/// Why there is no exchange.
pub type GuestError = super::GuestError<ProtocolFailure>;

impl From<Misuse> for ProtocolFailure {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// Random bytes an exchange needs.
pub const ENTROPY_LEN: usize = 32;

/// One end of a pairing, inside its sandbox.
///
/// The calls are those of the WIT package's `exchange`, and the same rules
/// hold. A trap, a call that does not return, or an answer that cannot be
/// right is a [`Failure::Guest`].
pub struct Exchange {
    guest: Guest<pairing::Failure>,
    bounds: Bounds,
}

impl Exchange {
    /// A fresh exchange with fresh random bytes.
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

    /// Begins: a client's commitment goes out.
    pub fn start(&mut self) -> Output {
        self.call(|api, store, exchange| api.call_start(store, exchange))
    }

    /// Takes bytes that came from the peer.
    pub fn receive(&mut self, bytes: &[u8]) -> Output {
        self.bounds.receive(bytes.len());
        self.call(|api, store, exchange| api.call_receive(store, exchange, bytes))
    }

    /// The user says that both ends show the same.
    pub fn confirm(&mut self) -> Output {
        self.bounds.confirm();
        self.call(|api, store, exchange| api.call_confirm(store, exchange))
    }

    /// The peer's stream has ended.
    pub fn eof(&mut self) -> Output {
        let ended = self.guest.call_and_wipe(|store, instance, exchange| {
            instance.spiped_pipe_pairing().exchange().call_eof(store, exchange)
        });
        let failure = match ended {
            // Nothing is missing.
            Ok(Ok(())) => return Output { to_peer: Vec::new(), status: Status::Confirmed },
            Ok(Err(failure)) => self.guest.fail(Failure::Protocol(failure)),
            Err(failure) => failure,
        };
        Output::failed(failure)
    }

    fn call(
        &mut self,
        enter: impl FnOnce(
            GuestExchange<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<Result<pairing::Output, pairing::Failure>>,
    ) -> Output {
        let answer = self.guest.call_and_wipe(|store, instance, exchange| {
            let api = instance.spiped_pipe_pairing();
            let output = match enter(api.exchange(), store, exchange)? {
                Ok(output) => output,
                Err(failure) => return Ok(Err(failure)),
            };
            let key = match output.status {
                pairing::Status::Agreed => match api.exchange().call_take_key(store, exchange)? {
                    Ok(key) => Some(Zeroizing::new(key)),
                    Err(failure) => return Ok(Err(failure)),
                },
                pairing::Status::Waiting
                | pairing::Status::Exchanging
                | pairing::Status::Comparing(_)
                | pairing::Status::Confirmed => None,
            };
            Ok(Ok((output, key)))
        });
        let failure = match answer {
            Ok(Ok((output, key))) => match self.bounds.check(output, key) {
                Output { status: Status::Failed(failure), .. } => failure,
                output => return output,
            },
            Ok(Err(failure)) => Failure::Protocol(failure),
            Err(failure) => failure,
        };
        Output::failed(self.guest.fail(failure))
    }
}
