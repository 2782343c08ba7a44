//! Lines that are not to be written unless something comes about.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use log::Level;

use crate::observe::event::What;
use crate::observe::queue::Entry;

/// What is held, while anything is.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Option<Vec<Entry>>>);

impl Held {
    /// From now on.
    pub(super) fn hold(&self) {
        self.lock().get_or_insert_default();
    }

    /// Keeps this entry; gives it back if it is to be written now.
    pub(super) fn keep(&self, entry: Entry) -> Option<Entry> {
        let mut held = self.lock();
        match &mut *held {
            // A program that is broken has to say so, whatever comes of it.
            Some(_) if entry.event.what == What::Panicked => Some(entry),
            Some(entries) => {
                if entries.len() < ENTRIES_MAX {
                    entries.push(entry);
                }
                None
            }
            None => Some(entry),
        }
    }

    /// What there is that speaks of something wrong.
    pub(super) fn warnings(&self) -> Vec<String> {
        let held = self.lock();
        let entries = held.iter().flatten();
        let warnings = entries.filter(|entry| entry.event.level <= Level::Warn);
        warnings.map(|entry| entry.event.words.clone()).collect()
    }

    /// No longer. What there was.
    pub(super) fn release(&self) -> Vec<Entry> {
        mem::take(&mut *self.lock()).unwrap_or_default()
    }

    /// It is whole after every step.
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than a start has to say.
const ENTRIES_MAX: usize = 4096;
