//! A vector of 128 bits: one instruction each in WebAssembly with `simd128`,
//! and a handful of words everywhere else. Both run the same code, which is so
//! tested on any machine.

use core::array;
use core::ops::{BitAnd, BitOr, BitXor};

use zeroize::DefaultIsZeroes;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use core::arch::wasm32 as intrinsics;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use super::intrinsics;

use intrinsics::{
    i8x16_shuffle, u32x4, u32x4_add, u32x4_extract_lane, u32x4_shl, u32x4_shr, u32x4_splat, v128,
    v128_and, v128_or, v128_xor,
};

/// Sixteen bytes, or four words of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Lanes(v128);

/// How many words a vector has.
pub(super) const LANES: usize = 4;

impl Lanes {
    pub(super) const ZERO: Self = Self(u32x4(0, 0, 0, 0));

    /// The same word in every lane.
    pub(super) fn splat(word: u32) -> Self {
        Self(u32x4_splat(word))
    }

    pub(super) fn from_words([a, b, c, d]: [u32; LANES]) -> Self {
        Self(u32x4(a, b, c, d))
    }

    pub(super) fn to_words(self) -> [u32; LANES] {
        [
            u32x4_extract_lane::<0>(self.0),
            u32x4_extract_lane::<1>(self.0),
            u32x4_extract_lane::<2>(self.0),
            u32x4_extract_lane::<3>(self.0),
        ]
    }

    pub(super) fn from_bytes(bytes: &[u8; 16]) -> Self {
        let (words, _) = bytes.as_chunks();
        Self::from_words(array::from_fn(|i| u32::from_le_bytes(words[i])))
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.to_words()) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    /// Adds in each lane, without carries between them.
    pub(super) fn add(self, other: Self) -> Self {
        Self(u32x4_add(self.0, other.0))
    }

    /// Shifts in each lane.
    pub(super) fn shift_left(self, count: u32) -> Self {
        Self(u32x4_shl(self.0, count))
    }

    /// Shifts in each lane.
    pub(super) fn shift_right(self, count: u32) -> Self {
        Self(u32x4_shr(self.0, count))
    }

    /// Rotates in each lane, by at least one bit and fewer than all.
    pub(super) fn rotate_right(self, count: u32) -> Self {
        self.shift_right(count) | self.shift_left(u32::BITS - count)
    }
}

/// Methods that rearrange the bytes of a vector: byte 0 of the result is the
/// one with the first number, and so on.
macro_rules! rearrangements {
    ($($(#[$doc:meta])* $name:ident: $($i:literal)*;)*) => {
        impl Lanes {
            $($(#[$doc])* pub(super) fn $name(self) -> Self {
                Self(i8x16_shuffle::<$($i),*>(self.0, self.0))
            })*
        }
    };
}

rearrangements! {
    /// Reverses the bytes of each word.
    swap_bytes: 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12;
    /// Sixteen bytes in four columns, in which AES has them, become four rows.
    to_rows: 0 4 8 12 1 5 9 13 2 6 10 14 3 7 11 15;
    /// FIPS 197, 5.1.2: each row moves on by its number.
    shift_rows: 0 1 2 3 5 6 7 4 10 11 8 9 15 12 13 14;
    /// The same, and the rows become columns.
    shift_rows_to_columns: 0 5 10 15 1 6 11 12 2 7 8 13 3 4 9 14;
    /// The next row in the place of each.
    next_row: 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3;
    /// The next but one.
    opposite_row: 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7;
}

impl BitXor for Lanes {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }
}

impl BitAnd for Lanes {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(v128_and(self.0, other.0))
    }
}

impl BitOr for Lanes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(v128_or(self.0, other.0))
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::ZERO
    }
}

impl DefaultIsZeroes for Lanes {}
