//! The intrinsics of `core::arch::wasm32` that [`Lanes`](super::lanes::Lanes)
//! uses, in plain Rust: under the same names, for every other target.
//!
//! A vector is its four words of 32 bits; byte 0 is the lowest of word 0.

#![allow(
    clippy::many_single_char_names,
    clippy::too_many_arguments,
    non_camel_case_types,
    reason = "the originals' names and parameters"
)]

use core::array;

pub(super) type v128 = [u32; 4];

pub(super) const fn u32x4(a0: u32, a1: u32, a2: u32, a3: u32) -> v128 {
    [a0, a1, a2, a3]
}

pub(super) fn u32x4_splat(a: u32) -> v128 {
    [a; 4]
}

pub(super) fn u32x4_extract_lane<const N: usize>(a: v128) -> u32 {
    a[N]
}

pub(super) fn v128_xor(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] ^ b[i])
}

pub(super) fn v128_and(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] & b[i])
}

pub(super) fn v128_or(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] | b[i])
}

pub(super) fn u32x4_add(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i].wrapping_add(b[i]))
}

pub(super) fn u32x4_shl(a: v128, count: u32) -> v128 {
    a.map(|word| word << count)
}

pub(super) fn u32x4_shr(a: v128, count: u32) -> v128 {
    a.map(|word| word >> count)
}

/// Byte `I0` of both vectors, one after the other, becomes byte 0, and so on.
pub(super) fn i8x16_shuffle<
    const I0: usize,
    const I1: usize,
    const I2: usize,
    const I3: usize,
    const I4: usize,
    const I5: usize,
    const I6: usize,
    const I7: usize,
    const I8: usize,
    const I9: usize,
    const I10: usize,
    const I11: usize,
    const I12: usize,
    const I13: usize,
    const I14: usize,
    const I15: usize,
>(
    a: v128,
    b: v128,
) -> v128 {
    let bytes = [a, b].map(|vector| vector.map(u32::to_le_bytes));
    let bytes = bytes.as_flattened().as_flattened();
    let word = |indices: [usize; 4]| u32::from_le_bytes(indices.map(|i| bytes[i]));
    [
        word([I0, I1, I2, I3]),
        word([I4, I5, I6, I7]),
        word([I8, I9, I10, I11]),
        word([I12, I13, I14, I15]),
    ]
}
