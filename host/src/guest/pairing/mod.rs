//! One end of a pairing, in a sandbox of its own.

mod output;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use zeroize::Zeroizing;

use super::bindings::Native;
use super::bindings::exports::spiped::pipe::pairing::{self, GuestExchange};
use super::imports::Imports;
use super::{Engine, GuestError, Side, engine, reason};
use output::Bounds;

pub use output::{Failure, Misuse, Output, PeerFault, Status};

/// Random bytes an exchange needs.
pub const ENTROPY_LEN: usize = 32;

/// One end of a pairing, inside its sandbox.
///
/// The calls are those of the WIT package's `exchange`, and the same rules
/// hold. A trap, a call that does not return, or an answer that cannot be
/// right is a [`Failure::Guest`].
pub struct Exchange {
    store: Store<Imports>,
    instance: Native,
    resource: ResourceAny,
    bounds: Bounds,
    /// The first failure: no call goes in after it.
    failure: Option<Failure>,
}

impl Exchange {
    /// A fresh exchange with fresh random bytes.
    ///
    /// # Errors
    /// When the pool is empty, the system gives no random bytes, or the guest
    /// traps.
    pub fn new(engine: &Engine, side: Side, code: Option<&str>) -> Result<Self, GuestError> {
        let mut entropy = Zeroizing::new([0; ENTROPY_LEN]);
        getrandom::fill(&mut *entropy).map_err(GuestError::Entropy)?;
        Self::with_entropy(engine, side, code, &entropy)
    }

    /// A fresh exchange with given random bytes, to replay a conversation.
    ///
    /// # Errors
    /// When the pool is empty or the guest traps.
    pub fn with_entropy(
        engine: &Engine,
        side: Side,
        code: Option<&str>,
        entropy: &[u8; ENTROPY_LEN],
    ) -> Result<Self, GuestError> {
        let (mut store, instance) = engine.instantiate()?;
        let wit_side = match side {
            Side::Client => pairing::Side::Client,
            Side::Server => pairing::Side::Server,
        };
        let resource = instance
            .spiped_pipe_pairing()
            .exchange()
            .call_constructor(&mut store, wit_side, code, entropy)?;
        let bounds = Bounds::new(side, code.is_some());
        Ok(Self { store, instance, resource, bounds, failure: None })
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
        self.call(|api, store, exchange| api.call_eof(store, exchange))
    }

    fn call(
        &mut self,
        enter: impl FnOnce(
            GuestExchange<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<pairing::Output>,
    ) -> Output {
        if let Some(failure) = &self.failure {
            return Output::failed(failure.clone());
        }
        engine::wind_up(&mut self.store);
        let api = self.instance.spiped_pipe_pairing();
        let output = match enter(api.exchange(), &mut self.store, self.resource) {
            Ok(output) => self.bounds.check(output),
            Err(trap) => Output::failed(Failure::Guest(reason(&trap))),
        };
        if let Status::Failed(failure) = &output.status {
            self.failure = Some(failure.clone());
        }
        output
    }
}
