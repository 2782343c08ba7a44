//! SHA-256 of 16 messages in AVX-512: rotations and three-operand logic are
//! one instruction each.

use std::arch::x86_64::*;

use super::super::lanes::{self, Lanes};
use super::super::sha256::{Block, Sha256, Words};

/// Proof of AVX-512F and AVX-512BW.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"))
            .then_some(Self(()))
    }
}

impl Sha256<16> for Avx512 {
    type States = [Lane; 8];

    fn states(self, words: [&Words; 16]) -> [Lane; 8] {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { states(&lanes::from_words(words)) }
    }

    fn same_state(self, words: &Words) -> [Lane; 8] {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { same_state(words) }
    }

    fn words(self, states: &[Lane; 8]) -> [Words; 16] {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { words(states) }
    }

    fn extend(self, states: &mut [Lane; 8], messages: [&[Block]; 16]) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend(states, messages) }
    }

    fn extend_digests(self, states: &mut [Lane; 8], digests: &[Lane; 8], mask: u32, rest: &Words) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend_digests(states, digests, mask, rest) }
    }
}

#[target_feature(enable = "avx512f")]
fn states(words: &[[u32; 16]; 8]) -> [Lane; 8] {
    words.each_ref().map(|words| load_words(words))
}

#[target_feature(enable = "avx512f")]
fn same_state(words: &Words) -> [Lane; 8] {
    words.map(|word| Lane(_mm512_set1_epi32(word.cast_signed())))
}

#[target_feature(enable = "avx512f")]
fn words(states: &[Lane; 8]) -> [Words; 16] {
    // Of a transposition's rows the first half is enough, so the others may
    // hold whatever they want.
    let rows: [__m512i; 16] = std::array::from_fn(|i| states[i % 8].0);
    transpose(&rows).map(|row| first_words(row.0))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn extend(states: &mut [Lane; 8], messages: [&[Block]; 16]) {
    let swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    for block in 0..messages[0].len() {
        let rows = messages.map(|message| _mm512_shuffle_epi8(load(&message[block]), swap));
        compress(states, &transpose(&rows));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn extend_digests(states: &mut [Lane; 8], digests: &[Lane; 8], mask: u32, rest: &Words) {
    compress(states, &lanes::digest_block(digests, mask, rest));
}

/// Not inlined: it is 3 KiB of code.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw")]
fn compress(states: &mut [Lane; 8], words: &[Lane; 16]) {
    lanes::compress(states, *words);
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
fn first_words(row: __m512i) -> Words {
    let mut words = [0; 8];
    // SAFETY: writes the array's 32 bytes, at any alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), _mm512_castsi512_si256(row)) };
    words
}

/// Made only by functions that enable AVX-512F.
#[derive(Clone, Copy)]
pub(in super::super) struct Lane(__m512i);

macro_rules! lane {
    ($intrinsics:expr) => {
        // SAFETY: there is a `Lane`, so the CPU has AVX-512F.
        Lane(unsafe { $intrinsics })
    };
}

impl Lanes for Lane {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        lane!(_mm512_add_epi32(self.0, other.0))
    }

    #[inline(always)]
    fn splat(self, word: u32) -> Self {
        lane!(_mm512_set1_epi32(word.cast_signed()))
    }

    #[inline(always)]
    fn rotate_right(self, count: i32) -> Self {
        lane!(_mm512_rorv_epi32(self.0, _mm512_set1_epi32(count)))
    }

    #[inline(always)]
    fn shift_right(self, count: i32) -> Self {
        lane!(_mm512_srlv_epi32(self.0, _mm512_set1_epi32(count)))
    }

    // The constants are truth tables: bit `4a + 2b + c` is the result.

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        lane!(_mm512_ternarylogic_epi32::<0x96>(self.0, b.0, c.0))
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        lane!(_mm512_ternarylogic_epi32::<0xca>(self.0, b.0, c.0))
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        lane!(_mm512_ternarylogic_epi32::<0xe8>(self.0, b.0, c.0))
    }
}
