//! A vector of 128 bits: in WebAssembly with `simd128` an operation is one
//! instruction, and everywhere else it is one for each word. What is made of them
//! is the same code, which so can be tested on any machine.

use core::array;
use core::ops::{BitAnd, BitOr, BitXor};

use zeroize::DefaultIsZeroes;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use core::arch::wasm32 as intrinsics;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use super::intrinsics;

use intrinsics::{
    i8x16_swizzle, u32x4, u32x4_add, u32x4_extract_lane, u32x4_shl, u32x4_shr, u32x4_splat, v128,
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
    #[inline]
    pub(super) fn splat(word: u32) -> Self {
        Self(u32x4_splat(word))
    }

    #[inline]
    pub(super) fn from_words([a, b, c, d]: [u32; LANES]) -> Self {
        Self(u32x4(a, b, c, d))
    }

    #[inline]
    pub(super) fn to_words(self) -> [u32; LANES] {
        [
            u32x4_extract_lane::<0>(self.0),
            u32x4_extract_lane::<1>(self.0),
            u32x4_extract_lane::<2>(self.0),
            u32x4_extract_lane::<3>(self.0),
        ]
    }

    #[inline]
    pub(super) fn from_bytes(bytes: &[u8; 16]) -> Self {
        let (words, _) = bytes.as_chunks();
        Self::from_words(array::from_fn(|i| u32::from_le_bytes(words[i])))
    }

    #[inline]
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.to_words()) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    /// Byte i of the result is the one at the place that byte i of `places` says,
    /// from 0 to 15.
    #[inline]
    pub(super) fn rearrange(self, places: Self) -> Self {
        Self(i8x16_swizzle(self.0, places.0))
    }

    /// Reverses the bytes of each word.
    #[inline]
    pub(super) fn swap_bytes(self) -> Self {
        self.rearrange(Self::from_bytes(&[3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]))
    }

    /// Adds in each lane, without carries between them.
    #[inline]
    pub(super) fn add(self, other: Self) -> Self {
        Self(u32x4_add(self.0, other.0))
    }

    /// Shifts in each lane.
    #[inline]
    pub(super) fn shift_left(self, count: u32) -> Self {
        Self(u32x4_shl(self.0, count))
    }

    /// Shifts in each lane.
    #[inline]
    pub(super) fn shift_right(self, count: u32) -> Self {
        Self(u32x4_shr(self.0, count))
    }

    /// Rotates in each lane, by at least one bit and fewer than all.
    #[inline]
    pub(super) fn rotate_right(self, count: u32) -> Self {
        self.shift_right(count) | self.shift_left(u32::BITS - count)
    }
}

impl BitXor for Lanes {
    type Output = Self;

    #[inline]
    fn bitxor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }
}

impl BitAnd for Lanes {
    type Output = Self;

    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(v128_and(self.0, other.0))
    }
}

impl BitOr for Lanes {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(v128_or(self.0, other.0))
    }
}

impl Default for Lanes {
    #[inline]
    fn default() -> Self {
        Self::ZERO
    }
}

impl DefaultIsZeroes for Lanes {}
