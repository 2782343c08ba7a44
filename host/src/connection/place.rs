//! A stranger's place among those that are listened to.

use std::mem;
use std::sync::Arc;

use tokio::sync::oneshot;

/// A stranger's place among those that are listened to. Dropping it makes it
/// free for the next.
pub struct Place {
    source: u64,
    kept: Option<Kept>,
}

struct Kept {
    keeper: Arc<dyn Keeper>,
    id: u64,
    dismissal: oneshot::Receiver<Dismissal>,
}

/// Whoever gives places.
pub trait Keeper: Send + Sync {
    /// The stranger with this place has sent all that was asked for next.
    fn heard(&self, id: u64);
    /// This place is free.
    fn left(&self, id: u64);
}

/// Why a stranger is not listened to any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dismissal {
    /// It was silent, and its place is needed.
    Silent,
    /// The daemon serves those that it has, and then ends.
    Draining,
}

impl Place {
    /// The place `id` of `keeper`, until the other end of `dismissal` is used.
    /// `source` is where the stranger comes from.
    #[must_use]
    pub fn new(
        source: u64,
        keeper: Arc<dyn Keeper>,
        id: u64,
        dismissal: oneshot::Receiver<Dismissal>,
    ) -> Self {
        Self { source, kept: Some(Kept { keeper, id, dismissal }) }
    }

    /// One of which there are any number.
    #[must_use]
    pub fn unlimited(source: u64) -> Self {
        Self { source, kept: None }
    }

    /// Where the stranger comes from.
    #[must_use]
    pub fn source(&self) -> u64 {
        self.source
    }

    /// The stranger has sent all that was asked for next.
    pub fn heard(&self) {
        if let Some(Kept { keeper, id, .. }) = &self.kept {
            keeper.heard(*id);
        }
    }

    /// Resolves when the stranger has to go; with an error if it never will. To
    /// be asked for once.
    pub fn dismissal(&mut self) -> oneshot::Receiver<Dismissal> {
        let (_, nobody) = oneshot::channel();
        match &mut self.kept {
            Some(kept) => mem::replace(&mut kept.dismissal, nobody),
            None => nobody,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(Kept { keeper, id, .. }) = &self.kept {
            keeper.left(*id);
        }
    }
}
