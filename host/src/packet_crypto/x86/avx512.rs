//! SHA-256 of 16 messages in AVX-512: rotations and three-operand logic are
//! one instruction each.

use std::arch::x86_64::*;

use super::super::lanes::{self, Lanes};
use super::super::sha256::{Block, Sha256, Words};
use super::on_lanes::{hash_on_lanes, lanes_of_avx512};

/// Proof of AVX-512F and AVX-512BW.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
            .then_some(Self(()))
    }
}

hash_on_lanes!(Avx512, 16, "avx512f,avx512bw");

#[target_feature(enable = "avx512f")]
fn words(states: &[Lane; 8]) -> [Words; 16] {
    // Of a transposition's rows the first half is enough, so the others may
    // hold whatever they want.
    let rows: [__m512i; 16] = std::array::from_fn(|i| states[i % 8].0);
    transpose(&rows).map(|row| first_words(row.0))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words_of_blocks(blocks: [&Block; 16]) -> [Lane; 16] {
    let swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    transpose(&blocks.map(|block| _mm512_shuffle_epi8(load(block), swap)))
}

/// From row `i` with the words of message `i` to row `i` with word `i` of
/// every message.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: &[__m512i; 16]) -> [Lane; 16] {
    // Within each 4 rows and 4 columns: `quads[4 * i + j]` holds in its
    // quarter `k` word `4 * k + j` of the messages from `4 * i` on.
    let mut quads = *rows;
    for quad in quads.as_chunks_mut().0 {
        let [a, b, c, d] = *quad;
        let (ab, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *quad = [
            _mm512_unpacklo_epi64(ab, cd),
            _mm512_unpackhi_epi64(ab, cd),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    // Then the quarters: the even ones of two rows, the odd ones, and again.
    let mut words = *rows;
    for j in 0..4 {
        let [a, b, c, d] = [quads[j], quads[4 + j], quads[8 + j], quads[12 + j]];
        let (ab, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        words[j] = _mm512_shuffle_i32x4::<0x88>(ab, cd);
        words[4 + j] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        words[8 + j] = _mm512_shuffle_i32x4::<0xdd>(ab, cd);
        words[12 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    words.map(Lane)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> __m512i {
    // SAFETY: reads the block's 64 bytes, at any alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(words: &[u32; 16]) -> Lane {
    // SAFETY: reads the array's 64 bytes, at any alignment.
    Lane(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> Lane {
    Lane(_mm512_set1_epi32(word.cast_signed()))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn first_words(row: __m512i) -> Words {
    let mut words = [0; 8];
    // SAFETY: writes the array's 32 bytes, at any alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), _mm512_castsi512_si256(row)) };
    words
}

/// Made only by functions that enable AVX-512F.
#[derive(Clone, Copy)]
pub(in super::super) struct Lane(__m512i);

lanes_of_avx512!(
    _mm512_add_epi32,
    _mm512_set1_epi32,
    _mm512_rorv_epi32,
    _mm512_srlv_epi32,
    _mm512_ternarylogic_epi32
);
