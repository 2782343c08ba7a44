//! An established session, which gives up its sandbox while nothing happens.

use std::mem;

use zeroize::Zeroizing;

use crate::guest::{Engine, Failure, Guest, Output};

/// An established session, awake or asleep.
///
/// Asleep, it is the few hundred bytes that [`Guest::suspend`] returned, and
/// no sandbox. The next call makes a fresh guest of them.
pub struct Session<'e> {
    engine: &'e Engine,
    /// In a box, which goes when the session falls asleep.
    guest: Option<Box<Guest>>,
    /// What to resume from if there is no guest.
    suspended: Zeroizing<Vec<u8>>,
}

impl<'e> Session<'e> {
    /// Takes an established guest; `engine` is to make others like it.
    #[must_use]
    pub fn new(engine: &'e Engine, guest: Box<Guest>) -> Self {
        Self { engine, guest: Some(guest), suspended: Zeroizing::default() }
    }

    /// Whether there is a guest.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.guest.is_some()
    }

    /// Gives up the guest until the next call.
    ///
    /// # Errors
    /// When the session or the guest has failed.
    pub fn sleep(&mut self) -> Result<(), Failure> {
        self.suspended = self.wake()?.suspend()?;
        self.guest = None;
        Ok(())
    }

    /// Takes bytes that came from the crypt side; none are its end.
    pub fn handle_crypt(&mut self, bytes: &[u8]) -> Output {
        self.call(|guest| match bytes {
            [] => guest.crypt_eof(),
            bytes => guest.handle_crypt(bytes),
        })
    }

    /// Takes bytes that came from the plain side; none are its end.
    pub fn handle_plain(&mut self, bytes: &[u8]) -> Output {
        self.call(|guest| match bytes {
            [] => guest.plain_eof(),
            bytes => guest.handle_plain(bytes),
        })
    }

    fn call(&mut self, enter: impl FnOnce(&mut Guest) -> Output) -> Output {
        self.wake().map_or_else(Output::failed, enter)
    }

    fn wake(&mut self) -> Result<&mut Guest, Failure> {
        let guest = if let Some(guest) = self.guest.take() {
            guest
        } else {
            // Good for one resume, so it does not stay.
            let suspended = mem::take(&mut self.suspended);
            let guest = Guest::resume(self.engine, &suspended);
            Box::new(guest.map_err(|error| Failure::Guest(error.to_string()))?)
        };
        Ok(self.guest.insert(guest))
    }
}
