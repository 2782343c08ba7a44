//! The common part of all guests, whichever resource of the component they hold.

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::Native;
use super::clock::{Allowance, wind_up};
use super::engine::Engine;
use super::imports::{Imports, wipe_opened};
use super::{PeerFault, types};
use crate::process::wipe::wipe_stack;

/// Why a guest has failed. `F` is what the component calls a failure of its
/// resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<F = types::Failure> {
    /// A failure of the protocol.
    Protocol(F),
    /// A failure of the guest: a trap, a deadline, an impossible answer.
    Guest(String),
}

impl<F> Failure<F> {
    /// An answer that a working component cannot give.
    pub(super) fn impossible() -> Self {
        Self::Guest("invalid answer".into())
    }

    /// A computation that panicked.
    pub(crate) fn abandoned() -> Self {
        Self::Guest("a computation was cancelled".into())
    }

    fn trap(error: &wasmtime::Error) -> Self {
        Self::Guest(reason(error))
    }
}

impl Failure {
    /// The peer's fault, if the peer is at fault.
    #[must_use]
    pub fn peer_fault(&self) -> Option<PeerFault> {
        match self {
            Self::Protocol(types::Failure::Peer(fault)) => Some(*fault),
            Self::Protocol(types::Failure::Misuse(_) | types::Failure::Exhausted)
            | Self::Guest(_) => None,
        }
    }

    /// Whether it concerns a packet, which means that the session was established.
    #[must_use]
    pub fn is_in_packets(&self) -> bool {
        matches!(
            self.peer_fault(),
            Some(
                PeerFault::ForgedPacket(_)
                    | PeerFault::BadLength(_)
                    | PeerFault::DataAfterEndMark
                    | PeerFault::TruncatedInPacket
                    | PeerFault::TruncatedBeforeEndMark
            )
        )
    }
}

impl From<PeerFault> for Failure {
    fn from(fault: PeerFault) -> Self {
        Self::Protocol(types::Failure::Peer(fault))
    }
}

impl From<types::Misuse> for types::Failure {
    fn from(misuse: types::Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// Why a guest could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GuestError<F = types::Failure> {
    /// The operating system gave no random bytes.
    #[error("cannot get random bytes: {0}")]
    Entropy(#[from] getrandom::Error),
    /// The pool is empty, or the component cannot be instantiated.
    #[error("cannot start the sandbox: {}", reason(.0))]
    Instance(wasmtime::Error),
    /// The guest failed when its resource was made.
    #[error("{0}")]
    Failed(Failure<F>),
}

/// A resource of the component, in an instance and a store of its own.
///
/// Its first failure is final: it is not called again. Dropping it returns its memory
/// to the kernel, which wipes it: no secret of the guest outlives it, even if it could
/// not clean up itself (protocol.md K-1).
pub(super) struct Guest<F> {
    store: Store<Imports>,
    instance: Native,
    resource: ResourceAny,
    failure: Option<Failure<F>>,
}

impl<F: Clone> Guest<F> {
    /// A fresh instance with the resource that `construct` makes in it.
    pub(super) fn new<E: Into<F>>(
        engine: &Engine,
        construct: impl FnOnce(&mut Store<Imports>, &Native) -> wasmtime::Result<Result<ResourceAny, E>>,
    ) -> Result<Self, GuestError<F>> {
        let (mut store, instance) = engine.instantiate().map_err(GuestError::Instance)?;
        let watched = store.data().clock().watch();
        let constructed = apart(|| construct(&mut store, &instance));
        drop(watched);
        forget();
        let failed = |failure| Err(GuestError::Failed(failure));
        match constructed {
            Ok(Ok(resource)) => Ok(Self { store, instance, resource, failure: None }),
            Ok(Err(failure)) => failed(Failure::Protocol(failure.into())),
            Err(trap) => failed(Failure::trap(&trap)),
        }
    }

    /// Makes a call. The caller has to check the answer.
    pub(super) fn call<T>(
        &mut self,
        enter: impl FnOnce(&mut Store<Imports>, &Native, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, Failure<F>> {
        self.call_within(Allowance::EventLoop, enter)
    }

    /// As `call`, for calls that may compute longer.
    pub(super) fn call_within<T>(
        &mut self,
        allowance: Allowance,
        enter: impl FnOnce(&mut Store<Imports>, &Native, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, Failure<F>> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        wind_up(&mut self.store, allowance);
        let _watched = self.store.data().clock().watch();
        enter(&mut self.store, &self.instance, self.resource)
            .map_err(|trap| self.fail(Failure::trap(&trap)))
    }

    /// As `call`, for calls that leave keys on the stack, or plaintext on a thread that
    /// may not run again for a long time.
    pub(super) fn call_and_wipe<T>(
        &mut self,
        allowance: Allowance,
        enter: impl FnOnce(&mut Store<Imports>, &Native, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, Failure<F>> {
        let answer = apart(|| self.call_within(allowance, enter));
        forget();
        answer
    }

    /// Makes this the final failure, and returns it.
    pub(super) fn fail(&mut self, failure: Failure<F>) -> Failure<F> {
        self.failure.insert(failure).clone()
    }

    /// Whether it has failed and can only be dropped.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }
}

/// Wipes what guests have left on this thread's stack and in its buffer.
pub(super) fn forget() {
    wipe_opened();
    wipe_stack();
}

/// Not inlined, so that everything it leaves on the stack is below its caller.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// A trap in one line: its cause, without wasm addresses.
fn reason(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}
