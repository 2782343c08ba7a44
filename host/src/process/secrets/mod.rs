//! Memory for secrets that outlive a call: the keys in use, and the states of sleeping
//! sessions.
//!
//! They are in pages of their own, which contain nothing else. If the system allows,
//! these are never swapped out, are left out of core dumps, and are zeros in a process
//! forked from this one. Each secret is built in its place, passed by reference, and
//! wiped when it is dropped.

mod arena;
mod pages;

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::arena::{ALIGN, Arena};
use crate::process::wipe::wipe;

/// One per process, like the heap.
static ARENA: Mutex<Arena> = Mutex::new(Arena::new());

/// From now on, a process forked from this one finds zeros in place of the secrets.
/// Also locks the pages again, because a child inherits them unlocked; a daemon
/// therefore calls this after going into the background.
pub(crate) fn stop_inheritance() {
    arena().stop_inheritance();
}

/// Types that a secret may consist of, besides bytes.
///
/// # Safety
/// It consists of integers, without padding: any bytes are a valid value, and it needs
/// no destructor.
#[allow(unsafe_code, reason = "secrets are made from zeros and wiped as bytes")]
pub(crate) unsafe trait Plain {}

// SAFETY: it is an integer.
#[allow(unsafe_code, reason = "see the trait")]
unsafe impl Plain for u8 {}

/// A secret in its final place. Wiped on drop, never shown.
pub(crate) struct Locked<T: Plain = u8>(NonNull<[T]>);

impl<T: Plain> Locked<T> {
    /// `len` values, which `fill` gets as zeros and overwrites with the secret.
    #[must_use]
    pub(crate) fn build(len: usize, fill: impl FnOnce(&mut [T])) -> Self {
        const { assert!(ALIGN.is_multiple_of(align_of::<T>())) }
        let slot = arena().take(len * size_of::<T>()).cast();
        // First, so that a panic in `fill` returns the place.
        let mut locked = Self(NonNull::slice_from_raw_parts(slot, len));
        fill(locked.values_mut());
        locked
    }

    #[allow(unsafe_code, reason = "the values are behind a pointer of our own")]
    fn values_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; and as `self` is borrowed mutably, this is
        // the only reference.
        unsafe { self.0.as_mut() }
    }
}

impl Locked {
    /// A copy. Wiping the original is the caller's task.
    #[must_use]
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self::build(bytes.len(), |place| place.copy_from_slice(bytes))
    }
}

impl<T: Plain> Deref for Locked<T> {
    type Target = [T];

    #[allow(unsafe_code, reason = "the values are behind a pointer of our own")]
    fn deref(&self) -> &[T] {
        // SAFETY: the arena gave us at least so many bytes, initialised and
        // aligned as `build` has checked, and gives them to nobody else before
        // `drop` hands them back. Any bytes are values: see `Plain`.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Plain> Drop for Locked<T> {
    #[allow(unsafe_code, reason = "any value is bytes")]
    fn drop(&mut self) {
        let (slot, len) = (self.0.cast(), size_of_val(&**self));
        // SAFETY: as in `deref`, and there is no padding between the bytes; this
        // is the only reference, and nobody reads the values again.
        wipe(unsafe { slice::from_raw_parts_mut(slot.as_ptr(), len) });
        arena().give_back(slot, len);
    }
}

impl Clone for Locked {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl<T: Plain> fmt::Debug for Locked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Locked(..)")
    }
}

// SAFETY: it owns its values as a box would; the arena behind it is locked.
#[allow(unsafe_code, reason = "a pointer is neither by itself")]
unsafe impl<T: Plain + Send> Send for Locked<T> {}
// SAFETY: shared, it only lets them be read.
#[allow(unsafe_code, reason = "a pointer is neither by itself")]
unsafe impl<T: Plain + Sync> Sync for Locked<T> {}

/// The lock cannot be poisoned: what it guards is never incomplete when something
/// panics.
fn arena() -> MutexGuard<'static, Arena> {
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    #[test]
    fn place_is_zeros_however_often_it_was_used() {
        for _ in 0..3 {
            let secrets: Vec<_> = (1..2000)
                .map(|len| {
                    Locked::build(len, |place| {
                        assert!(place.iter().all(|&byte| byte == 0));
                        place.fill(0xff);
                    })
                })
                .collect();
            assert!(secrets.iter().zip(1..).all(|(secret, len)| **secret == vec![0xff; len]));
        }
    }

    #[test]
    fn secrets_do_not_overlap_whatever_goes_and_comes() {
        let threads: Vec<_> = (0..4_u8)
            .map(|thread| {
                thread::spawn(move || {
                    let mut held = Vec::new();
                    for round in 0..5000_usize {
                        let len = (round * 37) % 1400;
                        held.push((Locked::build(len, |place| place.fill(thread)), len));
                        if round % 3 != 0 {
                            let (secret, len) = held.swap_remove(round % held.len());
                            assert_eq!(*secret, vec![thread; len]);
                        }
                    }
                    assert!(held.iter().all(|(secret, len)| **secret == vec![thread; *len]));
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn secret_larger_than_a_chunk_is_kept_as_well() {
        let secret = Locked::build(100_000, |place| place.fill(7));
        assert_eq!(*secret.clone(), vec![7; 100_000]);
    }

    #[test]
    fn panic_while_building_gives_the_place_back_wiped() {
        let build = || Locked::<u8>::build(999, |_| panic!("as a guest's answer might"));
        assert!(catch_unwind(AssertUnwindSafe(build)).is_err());
        drop(Locked::<u8>::build(999, |place| assert!(place.iter().all(|&byte| byte == 0))));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Locked::copy_of(b"secret")), "Locked(..)");
    }
}
