//! The intrinsics of `core::arch::wasm32` that [`Lanes`](super::lanes::Lanes)
//! uses, in plain Rust: under the same names, for every other target.
//!
//! A vector is its four words of 32 bits; byte 0 is the lowest of word 0.

#![allow(non_camel_case_types, reason = "the original's name")]

use core::array;

pub(super) type v128 = [u32; 4];

#[inline]
pub(super) const fn u32x4(a0: u32, a1: u32, a2: u32, a3: u32) -> v128 {
    [a0, a1, a2, a3]
}

#[inline]
pub(super) fn u32x4_splat(a: u32) -> v128 {
    [a; 4]
}

#[inline]
pub(super) fn u32x4_extract_lane<const N: usize>(a: v128) -> u32 {
    a[N]
}

#[inline]
pub(super) fn v128_xor(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] ^ b[i])
}

#[inline]
pub(super) fn v128_and(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] & b[i])
}

#[inline]
pub(super) fn v128_or(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i] | b[i])
}

#[inline]
pub(super) fn u32x4_add(a: v128, b: v128) -> v128 {
    array::from_fn(|i| a[i].wrapping_add(b[i]))
}

#[inline]
pub(super) fn u32x4_shl(a: v128, count: u32) -> v128 {
    a.map(|word| word << count)
}

#[inline]
pub(super) fn u32x4_shr(a: v128, count: u32) -> v128 {
    a.map(|word| word >> count)
}

#[inline]
pub(super) fn i8x16_swizzle(a: v128, s: v128) -> v128 {
    let bytes = a.map(u32::to_le_bytes);
    let byte = |index: u8| bytes.as_flattened().get(usize::from(index)).copied().unwrap_or(0);
    s.map(|indices| u32::from_le_bytes(indices.to_le_bytes().map(byte)))
}
