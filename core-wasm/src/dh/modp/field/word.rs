//! The two word sizes: what a limb is, and what the sum of a column is.

use core::ops::{Add, BitAnd, BitOr, Not, Shl};

use subtle::Choice;
use zeroize::Zeroize;

/// A limb of `BITS` bits in an unsigned integer.
///
/// What is left above `BITS` is room: a [`Wide`](Word::Wide) holds the sum of
/// all products of a column, so that there is one carry per column and not one
/// per product.
pub(in super::super) trait Word:
    Copy
    + Default
    + Zeroize
    + Add<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + 'static
{
    /// Twice as wide.
    type Wide: Copy + Default + Zeroize + Add<Output = Self::Wide>;

    /// Bits of a limb.
    const BITS: u32;
    const ONE: Self;

    fn widen(self) -> Self::Wide;
    /// The product, whole.
    fn times(self, by: Self) -> Self::Wide;
    /// The difference modulo the size of a wide integer.
    fn minus(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// The low `BITS` bits, and the rest shifted down.
    fn split(sum: Self::Wide) -> (Self, Self::Wide);
    /// All bits set if `choice` is, else none.
    fn mask(choice: Choice) -> Self;
}

macro_rules! word {
    ($word:ty, $wide:ty, $bits:literal) => {
        impl Word for $word {
            type Wide = $wide;

            const BITS: u32 = $bits;
            const ONE: Self = 1;

            #[inline(always)]
            fn widen(self) -> $wide {
                <$wide>::from(self)
            }

            #[inline(always)]
            fn times(self, by: Self) -> $wide {
                <$wide>::from(self) * <$wide>::from(by)
            }

            #[inline(always)]
            fn minus(a: $wide, b: $wide) -> $wide {
                a.wrapping_sub(b)
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "that is what it is for")]
            fn split(sum: $wide) -> (Self, $wide) {
                (sum as Self & ((1 << $bits) - 1), sum >> $bits)
            }

            #[inline(always)]
            fn mask(choice: Choice) -> Self {
                Self::from(choice.unwrap_u8()).wrapping_neg()
            }
        }
    };
}

// Where 64x64-bit multiplication is one instruction.
word!(u64, u128, 61);
// What wasm has without the wide-arithmetic proposal.
word!(u32, u64, 28);
