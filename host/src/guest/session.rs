//! One connection's session, in a sandbox of its own.

use zeroize::Zeroizing;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::Native;
use super::bindings::session::{self, GuestSession};
use super::clock::Allowance;
use super::imports::Imports;
use super::instance::Guest;
use super::output::{Bounds, Input, Output, Status};
use super::{ClientConfig, Engine, Failure, GuestError, NONCE_LEN, ServerConfig, types};
use crate::keys::file::Psk;
use crate::packet_crypto::{PACKET_LEN, PLAIN_MAX};

/// How many random bytes a client needs: 32 for its nonce, 32 for its exponent.
pub const CONNECT_ENTROPY_LEN: usize = 64;
/// How many random bytes a server needs for its exponent. Its nonce has been sent
/// already.
pub const ACCEPT_ENTROPY_LEN: usize = 32;

/// The most bytes in the state of a suspended session.
pub const STATE_MAX: usize = 1300;
/// Length of the identifier of a PSK.
const PSK_ID_LEN: usize = 16;

/// One connection's session, inside its sandbox.
///
/// The calls are those of the WIT package's `session`, with the same rules. A trap, a
/// call that does not return, or an impossible answer is a [`Failure::Guest`]. Calls
/// take microseconds, [`compute`](Self::compute) a few tenths of a millisecond.
pub struct SessionGuest {
    guest: Guest<types::Failure>,
    bounds: Bounds,
    /// Before that, every call handles keys, and the stack is wiped after it.
    established: bool,
}

/// What an acceptor has authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a> {
    /// The nonce that we sent.
    pub our_nonce: &'a [u8; NONCE_LEN],
    /// The client's hello, of the length that the acceptor returned.
    pub hello: &'a [u8],
}

impl SessionGuest {
    /// A client's session, with fresh random bytes.
    ///
    /// # Errors
    /// When the pool is empty, the system gives no random bytes, or the guest
    /// fails.
    pub fn connect(engine: &Engine, config: ClientConfig, psk: &Psk) -> Result<Self, GuestError> {
        // protocol.md R-1
        let mut entropy = Zeroizing::new([0; CONNECT_ENTROPY_LEN]);
        getrandom::fill(&mut *entropy)?;
        Self::connect_with(engine, config, psk, &entropy)
    }

    /// A client's session with given random bytes, to replay a conversation.
    /// Bytes that were used before reveal the new traffic.
    ///
    /// # Errors
    /// When the pool is empty or the guest fails.
    pub fn connect_with(
        engine: &Engine,
        config: ClientConfig,
        psk: &Psk,
        entropy: &[u8; CONNECT_ENTROPY_LEN],
    ) -> Result<Self, GuestError> {
        let psk = owned(psk);
        let guest = Guest::new(engine, |store, instance| {
            let api = instance.spiped_pipe_session();
            api.session().call_connect(store, config, &psk, entropy)
        })?;
        Ok(Self { guest, bounds: Bounds::client(), established: false })
    }

    /// A server's session with a client that an acceptor has authenticated,
    /// with fresh random bytes. `config` is the acceptor's, `psk` the client's.
    ///
    /// # Errors
    /// When the pool is empty, the system gives no random bytes, the peer
    /// breaks the rules although it has the key, or the guest fails.
    pub fn accept(
        engine: &Engine,
        config: ServerConfig,
        greeting: Greeting<'_>,
        psk: &Psk,
    ) -> Result<Self, GuestError> {
        // protocol.md R-1
        let mut entropy = Zeroizing::new([0; ACCEPT_ENTROPY_LEN]);
        getrandom::fill(&mut *entropy)?;
        Self::accept_with(engine, config, greeting, psk, &entropy)
    }

    /// A server's session with given random bytes, to replay a conversation.
    /// Bytes that were used before reveal the new traffic.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub fn accept_with(
        engine: &Engine,
        config: ServerConfig,
        greeting: Greeting<'_>,
        psk: &Psk,
        entropy: &[u8; ACCEPT_ENTROPY_LEN],
    ) -> Result<Self, GuestError> {
        let Greeting { our_nonce, hello } = greeting;
        let psk = owned(psk);
        let guest = Guest::new(engine, |store, instance| {
            let api = instance.spiped_pipe_session();
            api.session().call_accept(store, config, our_nonce, hello, &psk, entropy)
        })?;
        Ok(Self { guest, bounds: Bounds::server(), established: false })
    }

    /// A new guest that continues where a suspended session stopped.
    ///
    /// # Errors
    /// When the pool is empty or the guest fails.
    pub fn resume(engine: &Engine, state: &[u8]) -> Result<Self, GuestError> {
        let guest = Guest::new(engine, |store, instance| {
            instance.spiped_pipe_session().session().call_resume(store, state)
        })?;
        Ok(Self { guest, bounds: Bounds::resumed(), established: true })
    }

    /// Moves the session's state out of the guest, which cannot be used afterwards. The
    /// state is secret, and good for one [`resume`](Self::resume).
    ///
    /// # Errors
    /// When the session is not established, or the guest fails.
    pub fn suspend(&mut self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let answer =
            self.guest.call_and_wipe(Allowance::EventLoop, |store, instance, session| {
                instance.spiped_pipe_session().session().call_suspend(store, session)
            })?;
        let failure = match answer.map(Zeroizing::new) {
            Ok(state) if state.len() <= STATE_MAX => return Ok(state),
            Ok(_) => Failure::impossible(),
            Err(failure) => Failure::Protocol(failure),
        };
        Err(self.guest.fail(failure))
    }

    /// Identifies the PSK that the session was made with; `None` after it has failed or
    /// was suspended. It allows guesses of a weak key to be tested.
    pub fn psk_id(&mut self) -> Option<[u8; PSK_ID_LEN]> {
        let id = self.guest.call(|store, instance, session| {
            instance.spiped_pipe_session().session().call_psk_id(store, session)
        });
        let id = <[u8; PSK_ID_LEN]>::try_from(id.ok()??).ok();
        if id.is_none() {
            self.guest.fail(Failure::impossible());
        }
        id
    }

    /// Begins the handshake: a client's nonce is sent.
    pub fn start(&mut self, out: &mut Output) -> Status {
        self.call(Input::Nothing, out, |api, store, session| api.call_start(store, session))
    }

    /// Computes the public or the shared value that is due.
    pub fn compute(&mut self, out: &mut Output) -> Status {
        self.call(Input::Compute, out, |api, store, session| api.call_compute(store, session))
    }

    /// As [`compute`](Self::compute), on a compute thread, where it may take longer.
    pub fn compute_in_background(&mut self, out: &mut Output) -> Status {
        self.call_within(Allowance::Background, Input::Compute, out, |api, store, session| {
            api.call_compute(store, session)
        })
    }

    /// Consumes bytes from the crypt side.
    pub fn handle_crypt(&mut self, bytes: &[u8], out: &mut Output) -> Status {
        self.handle(bytes, RUN * PACKET_LEN, |session, bytes| {
            session.call(Input::Crypt(bytes.len()), out, |api, store, session| {
                api.call_handle_crypt(store, session, bytes)
            })
        })
    }

    /// Consumes bytes from the plain side.
    pub fn handle_plain(&mut self, bytes: &[u8], out: &mut Output) -> Status {
        self.handle(bytes, RUN * PLAIN_MAX, |session, bytes| {
            session.call(Input::Plain(bytes.len()), out, |api, store, session| {
                api.call_handle_plain(store, session, bytes)
            })
        })
    }

    /// The crypt side has ended.
    pub fn crypt_eof(&mut self, out: &mut Output) -> Status {
        self.call(Input::Nothing, out, |api, store, session| api.call_crypt_eof(store, session))
    }

    /// The plain side has ended.
    pub fn plain_eof(&mut self, out: &mut Output) -> Status {
        self.call(Input::PlainEnd, out, |api, store, session| api.call_plain_eof(store, session))
    }

    /// Passes `bytes` to the guest in parts of limited size.
    fn handle(
        &mut self,
        bytes: &[u8],
        most: usize,
        mut take: impl FnMut(&mut Self, &[u8]) -> Status,
    ) -> Status {
        let (mut taken, mut rest) = bytes.split_at(bytes.len().min(most));
        loop {
            let status = take(self, taken);
            if rest.is_empty() || matches!(status, Status::Failed(_)) {
                return status;
            }
            (taken, rest) = rest.split_at(rest.len().min(most));
        }
    }

    fn call(
        &mut self,
        input: Input,
        out: &mut Output,
        enter: impl FnOnce(
            GuestSession<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<session::Output>,
    ) -> Status {
        self.call_within(Allowance::EventLoop, input, out, enter)
    }

    fn call_within(
        &mut self,
        allowance: Allowance,
        input: Input,
        out: &mut Output,
        enter: impl FnOnce(
            GuestSession<'_>,
            &mut Store<Imports>,
            ResourceAny,
        ) -> wasmtime::Result<session::Output>,
    ) -> Status {
        let (before, room) = (out.len(), self.bounds.room(input));
        let enter = |store: &mut Store<Imports>, instance: &Native, session| {
            store.data_mut().lend(out, room);
            let answer = enter(instance.spiped_pipe_session().session(), store, session);
            store.data_mut().take_back(out);
            answer
        };
        let answer = if self.established {
            self.guest.call_within(allowance, enter)
        } else {
            self.guest.call_and_wipe(allowance, enter)
        };
        let answered = answer.map_or_else(Status::Failed, |returned| {
            let status = out.take(returned);
            self.bounds.check(input, room, out.len() - before, status)
        });
        match &answered {
            // The output of a broken guest is discarded.
            Status::Failed(Failure::Guest(_)) => out.truncate(before),
            Status::Established => self.established = true,
            Status::Handshaking | Status::WantsCompute | Status::Failed(Failure::Protocol(_)) => {}
        }
        if let Status::Failed(failure) = &answered {
            self.guest.fail(failure.clone());
        }
        answered
    }
}

/// How many packets a guest gets at a time: as many as are hashed in parallel. So its
/// memory stays small, and the packets stay in the first-level cache.
const RUN: usize = 16;

/// The bindings take a PSK only as a vector.
fn owned(psk: &Psk) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(psk.expose().to_vec())
}
