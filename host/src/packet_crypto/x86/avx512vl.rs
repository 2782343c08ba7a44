//! SHA-256 of 8 messages in half as wide vectors of AVX-512: half a batch of 16
//! would take as long as a whole one.

use std::arch::x86_64::*;

use super::super::lanes::{self, Lanes};
use super::super::sha256::{Block, Sha256, Words};
use super::avx2;

/// Proof of AVX-512F, AVX-512VL and AVX2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512Vl(());

impl Avx512Vl {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2"))
        .then_some(Self(()))
    }
}

impl Sha256<8> for Avx512Vl {
    type States = [Lane; 8];

    fn states(self, words: [&Words; 8]) -> [Lane; 8] {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { states(&lanes::from_words(words)) }
    }

    fn same_state(self, words: &Words) -> [Lane; 8] {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { same_state(words) }
    }

    fn words(self, states: &[Lane; 8]) -> [Words; 8] {
        // SAFETY: `self` proves that the CPU has the feature.
        unsafe { words(states) }
    }

    fn extend(self, states: &mut [Lane; 8], messages: [&[Block]; 8]) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend(states, messages) }
    }

    fn extend_digests(self, states: &mut [Lane; 8], digests: &[Lane; 8], mask: u32, rest: &Words) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend_digests(states, digests, mask, rest) }
    }
}

#[target_feature(enable = "avx2")]
fn states(words: &[[u32; 8]; 8]) -> [Lane; 8] {
    words.each_ref().map(|words| Lane(avx2::load_words(words)))
}

#[target_feature(enable = "avx2")]
fn same_state(words: &Words) -> [Lane; 8] {
    words.map(|word| Lane(_mm256_set1_epi32(word.cast_signed())))
}

#[target_feature(enable = "avx2")]
fn words(states: &[Lane; 8]) -> [Words; 8] {
    lanes::to_words(states.map(|lane| avx2::store(lane.0)))
}

#[target_feature(enable = "avx512f,avx512vl,avx2")]
fn extend(states: &mut [Lane; 8], messages: [&[Block]; 8]) {
    for block in 0..messages[0].len() {
        let words = avx2::words_of_blocks(messages.map(|message| &message[block]));
        compress(states, &words.map(Lane));
    }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn extend_digests(states: &mut [Lane; 8], digests: &[Lane; 8], mask: u32, rest: &Words) {
    compress(states, &lanes::digest_block(digests, mask, rest));
}

/// Not inlined: it is 5 KiB of code.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl")]
fn compress(states: &mut [Lane; 8], words: &[Lane; 16]) {
    lanes::compress(states, *words);
}

/// Made only by functions that enable AVX-512VL, or AVX2 for their callers that
/// do.
#[derive(Clone, Copy)]
pub(in super::super) struct Lane(__m256i);

macro_rules! lane {
    ($intrinsics:expr) => {
        // SAFETY: there is a `Lane`, so the CPU has AVX-512F and AVX-512VL.
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
        lane!(_mm256_rorv_epi32(self.0, _mm256_set1_epi32(count)))
    }

    #[inline(always)]
    fn shift_right(self, count: i32) -> Self {
        lane!(_mm256_srlv_epi32(self.0, _mm256_set1_epi32(count)))
    }

    // The constants are truth tables: bit `4a + 2b + c` is the result.

    #[inline(always)]
    fn parity(self, b: Self, c: Self) -> Self {
        lane!(_mm256_ternarylogic_epi32::<0x96>(self.0, b.0, c.0))
    }

    #[inline(always)]
    fn choose(self, b: Self, c: Self) -> Self {
        lane!(_mm256_ternarylogic_epi32::<0xca>(self.0, b.0, c.0))
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        lane!(_mm256_ternarylogic_epi32::<0xe8>(self.0, b.0, c.0))
    }
}
