//! SHA-256 of 8 messages in half as wide vectors of AVX-512: half a batch of 16
//! would take as long as a whole one.

use std::arch::x86_64::*;

use super::super::lanes::{self, Lanes};
use super::super::sha256::{Block, Sha256, Words};
use super::avx2;
use super::on_lanes::{hash_on_lanes, lanes_of_avx512};

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

hash_on_lanes!(Avx512Vl, 8, "avx512f,avx512vl,avx2");

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[u32; 8]) -> Lane {
    Lane(avx2::load(words))
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(word: u32) -> Lane {
    Lane(_mm256_set1_epi32(word.cast_signed()))
}

#[target_feature(enable = "avx2")]
fn words(states: &[Lane; 8]) -> [Words; 8] {
    lanes::to_words(states.map(|lane| avx2::store(lane.0)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn words_of_blocks(blocks: [&Block; 8]) -> [Lane; 16] {
    avx2::transposed(blocks).map(Lane)
}

/// Made only by functions that enable AVX-512VL, or AVX2 for their callers that
/// do.
#[derive(Clone, Copy)]
pub(in super::super) struct Lane(__m256i);

lanes_of_avx512!(
    _mm256_add_epi32,
    _mm256_set1_epi32,
    _mm256_rorv_epi32,
    _mm256_srlv_epi32,
    _mm256_ternarylogic_epi32
);
