//! An established session, which drops its sandbox while it is idle.

use super::instance::forget;
use super::{Engine, Failure, GuestError, Output, SessionGuest, Status};
use crate::process::secrets::Locked;

/// An established session, awake or asleep.
///
/// While it sleeps, it consists of the few hundred bytes that [`SessionGuest::suspend`]
/// returned, without a sandbox. The next call makes a new guest from them.
pub struct Sleeper<'e> {
    engine: &'e Engine,
    /// In a box, which is freed when the session sleeps.
    guest: Option<Box<SessionGuest>>,
    /// The state to resume from if there is no guest.
    suspended: Option<Locked>,
}

impl<'e> Sleeper<'e> {
    /// A sleeper for an established guest; `engine` makes its later guests.
    #[must_use]
    pub fn new(engine: &'e Engine, guest: Box<SessionGuest>) -> Self {
        Self { engine, guest: Some(guest), suspended: None }
    }

    /// Whether there is a guest.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.guest.is_some()
    }

    /// Drops the guest until the next call.
    ///
    /// # Errors
    /// When the session or the guest has failed.
    pub fn sleep(&mut self) -> Result<(), Failure> {
        let state = self.wake()?.suspend()?;
        self.suspended = Some(Locked::copy_of(&state));
        drop(state);
        self.give_up();
        Ok(())
    }

    /// A session that was suspended in another process. Its state is resumed once, to
    /// verify it, and suspended again immediately; no data is passed to it.
    ///
    /// # Errors
    /// When the state cannot be resumed, or no sandbox is available.
    pub(crate) fn arrived(engine: &'e Engine, state: &[u8]) -> Result<Self, GuestError> {
        let guest = Some(Box::new(SessionGuest::resume(engine, state)?));
        let mut sleeper = Self { engine, guest, suspended: None };
        sleeper.sleep().map_err(GuestError::Failed)?;
        Ok(sleeper)
    }

    /// Its state, for another process to resume from; it sleeps from now on. The caller
    /// must also take the state from here before the other process may use it:
    /// protocol.md S-4.
    ///
    /// # Errors
    /// When the session or the guest has failed.
    pub(crate) fn state(&mut self) -> Result<&[u8], Failure> {
        if self.is_awake() {
            self.sleep()?;
        }
        Ok(self.suspended.as_deref().unwrap_or_default())
    }

    /// Takes the state out, if it sleeps. Until the state is returned, every call
    /// fails.
    pub(crate) fn take_state(&mut self) -> Option<Locked> {
        self.suspended.take()
    }

    /// Returns the state: the session can be used again.
    pub(crate) fn give_back(&mut self, state: Locked) {
        self.suspended = Some(state);
    }

    /// Consumes bytes from the crypt side.
    pub fn handle_crypt(&mut self, bytes: &[u8], out: &mut Output) -> Status {
        self.call(|guest| guest.handle_crypt(bytes, out))
    }

    /// Consumes bytes from the plain side.
    pub fn handle_plain(&mut self, bytes: &[u8], out: &mut Output) -> Status {
        self.call(|guest| guest.handle_plain(bytes, out))
    }

    /// The crypt side has ended.
    pub fn crypt_eof(&mut self, out: &mut Output) -> Status {
        self.call(|guest| guest.crypt_eof(out))
    }

    /// The plain side has ended.
    pub fn plain_eof(&mut self, out: &mut Output) -> Status {
        self.call(|guest| guest.plain_eof(out))
    }

    fn call(&mut self, enter: impl FnOnce(&mut SessionGuest) -> Status) -> Status {
        self.wake().map_or_else(Status::Failed, enter)
    }

    fn wake(&mut self) -> Result<&mut SessionGuest, Failure> {
        let guest = if let Some(guest) = self.guest.take() {
            guest
        } else {
            // A state is good for one resume, so it is taken out: protocol.md S-4.
            let suspended = self.suspended.take();
            let suspended = suspended.as_deref().unwrap_or_default();
            Box::new(SessionGuest::resume(self.engine, suspended).map_err(failure)?)
        };
        Ok(self.guest.insert(guest))
    }

    /// Drops the guest, and wipes what it has left on this thread.
    fn give_up(&mut self) {
        self.guest = None;
        forget();
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// An established connection counts this as a failure of its sandbox.
fn failure(error: GuestError) -> Failure {
    match error {
        GuestError::Failed(failure) => failure,
        GuestError::Entropy(_) | GuestError::Instance(_) => Failure::Guest(error.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
pub(crate) mod tests {
    use super::super::self_test::{begin, take};
    use super::super::{ClientConfig, Greeting, NONCE_LEN, ServerConfig, Status};
    use super::*;
    use crate::keys::file::Psk;

    /// protocol.md S-4
    #[test]
    fn state_is_gone_once_the_session_has_woken() {
        let engine = Engine::new(3).unwrap();
        let mut sleeper = established(&engine);
        for _ in 0..2 {
            sleeper.sleep().unwrap();
            assert!(sleeper.suspended.is_some() && !sleeper.is_awake());
            assert_eq!(say(&mut sleeper), Status::Established);
            assert!(sleeper.suspended.is_none() && sleeper.is_awake());
        }
    }

    /// protocol.md S-4
    #[test]
    fn state_that_cannot_be_resumed_is_not_tried_again() {
        let engine = Engine::new(3).unwrap();
        let mut sleeper = established(&engine);
        sleeper.sleep().unwrap();
        let damaged = Locked::copy_of(&sleeper.suspended.take().unwrap()[1..]);
        sleeper.suspended = Some(damaged);
        for _ in 0..2 {
            assert!(matches!(say(&mut sleeper), Status::Failed(_)));
            assert!(sleeper.suspended.is_none());
        }
    }

    /// protocol.md S-4
    #[test]
    fn session_goes_on_only_with_its_state() {
        let engine = Engine::new(3).unwrap();
        for given_back in [false, true] {
            let mut sleeper = established(&engine);
            assert!(sleeper.take_state().is_none(), "it is awake");
            sleeper.state().unwrap();
            let state = sleeper.take_state().unwrap();
            if given_back {
                sleeper.give_back(state);
            }
            let failed = matches!(say(&mut sleeper), Status::Failed(_));
            assert_eq!(failed, !given_back);
        }
    }

    #[test]
    fn state_that_arrives_is_as_it_was_and_asleep() {
        let engine = Engine::new(3).unwrap();
        let mut sleeper = established(&engine);
        let state = sleeper.state().unwrap();
        let mut arrived = Sleeper::arrived(&engine, state).unwrap();
        assert!(!arrived.is_awake());
        assert_eq!(arrived.state().unwrap(), sleeper.state().unwrap());
        let damaged = &sleeper.state().unwrap()[1..];
        assert!(Sleeper::arrived(&engine, damaged).is_err());
    }

    fn say(sleeper: &mut Sleeper<'_>) -> Status {
        sleeper.handle_plain(b"data", &mut Output::default())
    }

    /// A client's session.
    pub(crate) fn established(engine: &Engine) -> Sleeper<'_> {
        let (psk, nonce) = (Psk::copy_of(&[1; 32]), [2; NONCE_LEN]);
        let mut client = SessionGuest::connect(engine, ClientConfig::X25519, &psk).unwrap();
        let mut hello = begin(&mut client).unwrap();
        hello.extend(take(&mut client, &nonce).unwrap().1.to_crypt);
        let greeting = Greeting { our_nonce: &nonce, hello: &hello };
        let config = ServerConfig::X25519;
        let mut server = SessionGuest::accept(engine, config, greeting, &psk).unwrap();
        let share = begin(&mut server).unwrap();
        assert_eq!(take(&mut client, &share).unwrap().0, Status::Established);
        Sleeper::new(engine, Box::new(client))
    }
}
