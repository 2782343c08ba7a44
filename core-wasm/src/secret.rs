//! Secrets: byte arrays that are built in place, wiped when dropped, and never shown;
//! and wiping what computations leave on the stack.

use alloc::boxed::Box;
use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroizing, optimization_barrier};

/// `N` secret bytes: wiped on drop, redacted in `Debug`, compared in constant
/// time only.
///
/// They have one place, on the heap, from the first byte to the wipe. A value on the
/// stack would be copied whenever it moves, as it does when one state replaces another,
/// and the copy that a move leaves behind is not wiped.
#[derive(Clone)]
pub struct Secret<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> Secret<N> {
    /// Calls `fill` to write the bytes in place; they are zeros before.
    pub fn build(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; N]));
        fill(&mut bytes);
        Self(bytes)
    }

    /// A copy of `bytes`; wiping the original is the caller's task.
    #[must_use]
    pub fn copy_of(bytes: &[u8; N]) -> Self {
        Self::build(|place| place.copy_from_slice(bytes))
    }

    /// A copy of `bytes`; `None` unless there are exactly `N`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::copy_of)
    }

    /// The bytes, for cryptography.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether all bytes are equal: not the output of a generator. Constant time in the
    /// bytes.
    pub(crate) fn is_uniform(&self) -> Choice {
        let [first, ..] = &self.0[..] else { return Choice::from(1) };
        self.0.iter().fold(Choice::from(1), |uniform, byte| uniform & byte.ct_eq(first))
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().ct_eq(other.expose())
    }
}

// protocol.md K-2
impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(..)")
    }
}

/// Wipes the stack below the caller's frame, where functions it has called may have
/// left secrets: arithmetic spills registers, and no destructor reaches these copies.
/// Takes a microsecond.
///
/// Every page that it wipes becomes memory of the guest, so it is only for
/// exponentiations, which have the deepest stack of all calls.
pub(crate) fn wipe_stack() {
    // 18 KiB: with words of 32 bits, an exponentiation uses 17.
    wipe_stack_of::<2304>();
}

/// As [`wipe_stack`], for work that only moves and hashes keys.
pub(crate) fn wipe_shallow_stack() {
    // 4 KiB.
    wipe_stack_of::<512>();
}

#[inline(never)]
fn wipe_stack_of<const WORDS: usize>() {
    let below = [0_u64; WORDS];
    // Filled as one array, which is a single memory.fill: `Zeroize` writes each word by
    // itself, and the sandbox checks each address.
    optimization_barrier(&below);
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn only_equal_bytes_are_uniform() {
        for byte in [0, 1, 0xff] {
            assert!(bool::from(Secret::copy_of(&[byte; 32]).is_uniform()));
            for different in 1..32 {
                let mut bytes = [byte; 32];
                bytes[32 - different..].fill(!byte);
                assert!(!bool::from(Secret::copy_of(&bytes).is_uniform()), "{different}");
            }
        }
    }

    /// protocol.md K-2.
    #[test]
    fn debug_output_shows_no_secret() {
        assert_eq!(format!("{:?}", Secret::copy_of(&[7; 3])), "Secret<3>(..)");
    }
}
