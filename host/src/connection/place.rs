//! A stranger's place among those that are listened to.

use std::mem;
use std::sync::Arc;

use tokio::sync::oneshot;

/// A stranger's place: the permission to be read and answered. Dropping it frees it for
/// the next stranger.
pub struct Place {
    source: u64,
    kept: Option<Kept>,
}

struct Kept {
    keeper: Arc<dyn Keeper>,
    id: u64,
    dismissal: oneshot::Receiver<Dismissal>,
}

/// The owner of the places.
pub trait Keeper: Send + Sync {
    /// The stranger with this place has sent all that was asked for next.
    fn heard(&self, id: u64);
    /// This place has been left.
    fn left(&self, id: u64);
}

/// Why a stranger is dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dismissal {
    /// It was silent, and its place is needed.
    Silent,
    /// The daemon drains: it serves authenticated peers and then exits.
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

    /// A place of an unlimited number.
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

    /// Resolves when the stranger has to go; with an error if it never has to. Call it
    /// once.
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
