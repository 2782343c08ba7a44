//! SHA-256 of 8 messages in AVX2, for CPUs without SHA-NI.

use std::arch::x86_64::*;

use super::super::lanes::{self, Lanes};
use super::super::sha256::{Block, Sha256, Words};
use super::on_lanes::hash_on_lanes;

/// Proof of AVX2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

hash_on_lanes!(Avx2, 8, "avx2");

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[u32; 8]) -> Lane {
    Lane(load(words))
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> Lane {
    Lane(_mm256_set1_epi32(word.cast_signed()))
}

#[target_feature(enable = "avx2")]
fn words(states: &[Lane; 8]) -> [Words; 8] {
    lanes::to_words(states.map(|lane| store(lane.0)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn words_of_blocks(blocks: [&Block; 8]) -> [Lane; 16] {
    transposed(blocks).map(Lane)
}

/// The first words of 8 blocks, their second words, and so on.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn transposed(blocks: [&Block; 8]) -> [__m256i; 16] {
    let [first, second] =
        [0, 1].map(|half| transpose(blocks.map(|block| load_bytes(&block.as_chunks().0[half]))));
    std::array::from_fn(|i| if i < 8 { first[i] } else { second[i - 8] })
}

/// From row `i` with 8 big-endian words of message `i` to row `i` with word
/// `i` of every message.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let swap = _mm256_broadcastsi128_si256(_mm_set_epi8(
        12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,
    ));
    // Within each 4 rows and 4 columns: `quads[4 * i + j]` holds in its half
    // `k` word `4 * k + j` of the messages from `4 * i` on.
    let mut quads = rows.map(|row| _mm256_shuffle_epi8(row, swap));
    for quad in quads.as_chunks_mut().0 {
        let [a, b, c, d] = *quad;
        let (ab, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        *quad = [
            _mm256_unpacklo_epi64(ab, cd),
            _mm256_unpackhi_epi64(ab, cd),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    let mut words = rows;
    for j in 0..4 {
        words[j] = _mm256_permute2x128_si256::<0x20>(quads[j], quads[4 + j]);
        words[4 + j] = _mm256_permute2x128_si256::<0x31>(quads[j], quads[4 + j]);
    }
    words
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_bytes(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: reads the array's 32 bytes, at any alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(words: &[u32; 8]) -> __m256i {
    // SAFETY: reads the array's 32 bytes, at any alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(lane: __m256i) -> [u32; 8] {
    let mut words = [0; 8];
    // SAFETY: writes the array's 32 bytes, at any alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), lane) };
    words
}

/// Made only by functions that enable AVX2.
#[derive(Clone, Copy)]
pub(in super::super) struct Lane(__m256i);

macro_rules! lane {
    ($intrinsics:expr) => {
        // SAFETY: there is a `Lane`, so the CPU has AVX2.
        Lane(unsafe { $intrinsics })
    };
}

impl Lanes for Lane {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        lane!(_mm256_add_epi32(self.0, other.0))
    }

    #[inline(always)]
    fn splat(self, word: u32) -> Self {
        lane!(_mm256_set1_epi32(word.cast_signed()))
    }

    #[inline(always)]
    fn rotate_right(self, count: i32) -> Self {
        lane!(_mm256_or_si256(
            _mm256_srlv_epi32(self.0, _mm256_set1_epi32(count)),
            _mm256_sllv_epi32(self.0, _mm256_set1_epi32(32 - count)),
        ))
    }

    #[inline(always)]
    fn shift_right(self, count: i32) -> Self {
        lane!(_mm256_srlv_epi32(self.0, _mm256_set1_epi32(count)))
    }

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        lane!(_mm256_xor_si256(self.0, _mm256_xor_si256(b.0, c.0)))
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        let differ = lane!(_mm256_xor_si256(b.0, c.0));
        lane!(_mm256_xor_si256(_mm256_and_si256(self.0, differ.0), c.0))
    }

    /// The next round's `b ^ c` is this one's `a ^ b`: the compiler sees it.
    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        let differ = lane!(_mm256_xor_si256(self.0, b.0));
        let others = lane!(_mm256_xor_si256(b.0, c.0));
        lane!(_mm256_xor_si256(_mm256_and_si256(differ.0, others.0), b.0))
    }
}
