//! The guest: one sandboxed protocol session, in a store and an instance of
//! its own. Only this module knows wasmtime.

mod bindings;
mod config;
mod engine;
mod engine_config;
mod imports;
mod output;
pub mod pairing;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use zeroize::Zeroizing;

use bindings::Native;
use bindings::exports::spiped::pipe::protocol::{self, GuestSession};
use imports::Imports;
use output::{Bounds, Input};

use crate::keyfile::Psk;

pub use config::{Config, ForwardSecrecy, KeyExchange, Side};
pub use engine::{Engine, EngineError};
pub use output::{Failure, Misuse, Output, PeerFault, Status};

/// Random bytes a session needs: 32 for its nonce, 32 for its exponent.
pub const ENTROPY_LEN: usize = 64;

/// One connection's session, inside its sandbox.
///
/// The calls are those of the WIT package's `session`, and the same rules
/// hold. A trap, a call that does not return, or an answer that cannot be
/// right is a [`Failure::Guest`]; the guest is then good for nothing but
/// being dropped. Calls take microseconds, [`compute`](Self::compute) about a
/// millisecond.
///
/// Dropping it gives its memory back to the kernel, which wipes it: nothing
/// the session knew outlives it, also when it could not clean up itself.
pub struct Guest {
    store: Store<Imports>,
    instance: Native,
    session: ResourceAny,
    bounds: Bounds,
    /// The first failure: no call goes in after it.
    failure: Option<Failure>,
}

impl Guest {
    /// A fresh guest with fresh random bytes. A server accepts a peer that
    /// holds any of `psks`; a client takes exactly one.
    ///
    /// # Errors
    /// When the pool is empty, the system gives no random bytes, or the guest
    /// traps.
    pub fn new(engine: &Engine, config: Config, psks: &[Psk]) -> Result<Self, GuestError> {
        let mut entropy = Zeroizing::new([0; ENTROPY_LEN]);
        getrandom::fill(&mut *entropy).map_err(GuestError::Entropy)?;
        Self::with_entropy(engine, config, psks, &entropy)
    }

    /// A fresh guest with given random bytes, to replay a conversation. Bytes
    /// that were used before give the new traffic away.
    ///
    /// # Errors
    /// When the pool is empty or the guest traps.
    pub fn with_entropy(
        engine: &Engine,
        config: Config,
        psks: &[Psk],
        entropy: &[u8; ENTROPY_LEN],
    ) -> Result<Self, GuestError> {
        let (mut store, instance) = engine.instantiate()?;
        let secrets: Vec<_> = psks.iter().map(|psk| psk.expose().to_vec()).collect();
        let secrets = Zeroizing::new(secrets);
        let session = instance.spiped_pipe_protocol().session().call_constructor(
            &mut store,
            config.into(),
            &secrets,
            entropy,
        )?;
        Ok(Self { store, instance, session, bounds: Bounds::default(), failure: None })
    }

    /// A fresh guest that goes on where a suspended session stopped.
    ///
    /// # Errors
    /// When the pool is empty or the guest traps.
    pub fn resume(engine: &Engine, state: &[u8]) -> Result<Self, GuestError> {
        let (mut store, instance) = engine.instantiate()?;
        let api = instance.spiped_pipe_protocol();
        let session = api.session().call_resume(&mut store, state)?;
        // Less than a packet may have come before.
        let bounds = Bounds::resumed();
        Ok(Self { store, instance, session, bounds, failure: None })
    }

    /// Takes the session's state out of the guest, which is then over. The
    /// state is secret and good for one [`resume`](Self::resume).
    ///
    /// # Errors
    /// When the session is not established, or the guest traps.
    pub fn suspend(&mut self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        engine::wind_up(&mut self.store);
        let api = self.instance.spiped_pipe_protocol();
        let result = match api.session().call_suspend(&mut self.store, self.session) {
            Ok(Ok(state)) => Ok(Zeroizing::new(state)),
            Ok(Err(failure)) => Err(failure.into()),
            Err(trap) => Err(Failure::Guest(reason(&trap))),
        };
        self.failure = result.as_ref().err().cloned();
        result
    }

    /// Which of the secrets the peer has proved to hold, as an index; `None`
    /// until it has, and once the guest has failed.
    pub fn peer_secret(&mut self) -> Option<u32> {
        self.ask(|api, store, session| api.call_peer_secret(store, session))
    }

    /// The key exchange in use: a client's own, a server's once the peer has
    /// proved itself; `None` once the guest has failed.
    pub fn key_exchange(&mut self) -> Option<KeyExchange> {
        self.ask(|api, store, session| api.call_key_exchange(store, session)).map(Into::into)
    }

    /// Begins: our nonce goes out.
    pub fn start(&mut self) -> Output {
        self.call(Input::Nothing, |api, store, session| api.call_start(store, session))
    }

    /// Computes the public or the shared value that is due.
    pub fn compute(&mut self) -> Output {
        self.call(Input::Nothing, |api, store, session| api.call_compute(store, session))
    }

    /// Takes bytes that came from the crypt side.
    pub fn handle_crypt(&mut self, bytes: &[u8]) -> Output {
        self.call(Input::Crypt(bytes.len()), |api, store, session| {
            api.call_handle_crypt(store, session, bytes)
        })
    }

    /// Takes bytes that came from the plain side.
    pub fn handle_plain(&mut self, bytes: &[u8]) -> Output {
        self.call(Input::Plain(bytes.len()), |api, store, session| {
            api.call_handle_plain(store, session, bytes)
        })
    }

    /// The crypt side has ended.
    pub fn crypt_eof(&mut self) -> Output {
        self.call(Input::Nothing, |api, store, session| api.call_crypt_eof(store, session))
    }

    /// The plain side has ended.
    pub fn plain_eof(&mut self) -> Output {
        self.call(Input::PlainEnd, |api, store, session| api.call_plain_eof(store, session))
    }

    fn ask<T>(
        &mut self,
        enter: impl FnOnce(
            GuestSession<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<Option<T>>,
    ) -> Option<T> {
        if self.failure.is_some() {
            return None;
        }
        engine::wind_up(&mut self.store);
        let api = self.instance.spiped_pipe_protocol();
        enter(api.session(), &mut self.store, self.session).unwrap_or_else(|trap| {
            self.failure = Some(Failure::Guest(reason(&trap)));
            None
        })
    }

    fn call(
        &mut self,
        input: Input,
        enter: impl FnOnce(
            GuestSession<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<protocol::Output>,
    ) -> Output {
        if let Some(failure) = &self.failure {
            return Output::failed(failure.clone());
        }
        engine::wind_up(&mut self.store);
        let api = self.instance.spiped_pipe_protocol();
        let output = match enter(api.session(), &mut self.store, self.session) {
            Ok(output) => self.bounds.check(input, output.into()),
            Err(trap) => Output::failed(Failure::Guest(reason(&trap))),
        };
        if let Status::Failed(failure) = &output.status {
            self.failure = Some(failure.clone());
        }
        output
    }
}

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Entropy(getrandom::Error),
    /// The pool is empty, or the guest trapped.
    #[error("no sandbox: {}", reason(.0))]
    Wasmtime(wasmtime::Error),
}

impl From<wasmtime::Error> for GuestError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasmtime(error)
    }
}

/// A trap in one line: the cause, without wasm addresses.
fn reason(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}
