//! The order of jobs: authenticated peers before strangers, and within each class one
//! source after the other.

use std::collections::{HashMap, VecDeque};

/// How many jobs can wait in each class. A stranger has one job at a time and the
/// number of strangers is limited, so only a daemon without that limit comes near.
const WAITING_MAX: usize = 16_384;

/// The class of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A peer that has a key, or whose key we have.
    Authenticated,
    /// A stranger.
    Stranger,
}

/// The turn of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its class.
    pub class: Class,
    /// Its source: sources of a class take turns, so that a source with many jobs
    /// delays each other source by one job.
    pub source: u64,
}

/// Jobs waiting for a thread.
pub(super) struct Queue<T> {
    authenticated: Rotation<T>,
    strangers: Rotation<T>,
    is_closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            authenticated: Rotation::default(),
            strangers: Rotation::default(),
            is_closed: false,
        }
    }
}

impl<T> Queue<T> {
    /// Returns the job if there is no room.
    pub(super) fn push(&mut self, turn: Turn, job: T) -> Result<(), T> {
        let rotation = match turn.class {
            Class::Authenticated => &mut self.authenticated,
            Class::Stranger => &mut self.strangers,
        };
        rotation.push(turn.source, job)
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.authenticated.pop().or_else(|| self.strangers.pop())
    }

    /// Closes the queue.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }
}

/// The jobs of one class.
struct Rotation<T> {
    /// The jobs of each source, in the order of arrival.
    jobs: HashMap<u64, VecDeque<T>>,
    /// These sources in the order of their turns.
    order: VecDeque<u64>,
    len: usize,
}

impl<T> Default for Rotation<T> {
    fn default() -> Self {
        Self { jobs: HashMap::new(), order: VecDeque::new(), len: 0 }
    }
}

impl<T> Rotation<T> {
    fn push(&mut self, source: u64, job: T) -> Result<(), T> {
        if self.len >= WAITING_MAX {
            return Err(job);
        }
        let jobs = self.jobs.entry(source).or_default();
        if jobs.is_empty() {
            self.order.push_back(source);
        }
        jobs.push_back(job);
        self.len += 1;
        Ok(())
    }

    fn pop(&mut self) -> Option<T> {
        let source = self.order.pop_front()?;
        let jobs = self.jobs.get_mut(&source)?;
        let job = jobs.pop_front()?;
        self.len -= 1;
        if jobs.is_empty() {
            self.jobs.remove(&source);
        } else {
            self.order.push_back(source);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: fn(u64) -> Turn = |source| Turn { class: Class::Stranger, source };
    const PEER: fn(u64) -> Turn = |source| Turn { class: Class::Authenticated, source };

    #[test]
    fn sources_take_turns() {
        let mut queue = Queue::default();
        for (source, job) in [(1, "a"), (1, "b"), (1, "c"), (2, "d"), (3, "e"), (2, "f")] {
            assert_eq!(queue.push(STRANGER(source), job), Ok(()));
        }
        assert_eq!(drain(&mut queue), ["a", "d", "e", "b", "f", "c"]);
    }

    #[test]
    fn strangers_come_last() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(STRANGER(1), "stranger"), Ok(()));
        assert_eq!(queue.push(PEER(1), "peer"), Ok(()));
        assert_eq!(queue.push(PEER(1), "next peer"), Ok(()));
        assert_eq!(drain(&mut queue), ["peer", "next peer", "stranger"]);
    }

    #[test]
    fn full_class_refuses_and_the_other_does_not_notice() {
        let mut queue = Queue::default();
        for job in 0..WAITING_MAX {
            assert_eq!(queue.push(STRANGER(1), job), Ok(()));
        }
        assert_eq!(queue.push(STRANGER(2), 0), Err(0));
        assert_eq!(queue.push(PEER(2), 7), Ok(()));
        assert_eq!(queue.pop(), Some(7));
        assert_eq!(queue.pop(), Some(0));
        assert_eq!(queue.push(STRANGER(2), 0), Ok(()));
    }

    fn drain<T>(queue: &mut Queue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop()).collect()
    }
}
