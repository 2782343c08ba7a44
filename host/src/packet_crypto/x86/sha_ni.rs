//! SHA-256 with the CPU's own instructions, several messages interleaved: a
//! round waits for the one before, other messages' rounds do not.

use std::arch::x86_64::*;

use super::super::sha256::{Block, K, Sha256, Words};

/// Proof of SHA-NI and SSE4.1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ShaNi(());

impl ShaNi {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1")).then_some(Self(()))
    }
}

impl<const N: usize> Sha256<N> for ShaNi {
    type States = [Stream; N];

    fn states(self, words: [&Words; N]) -> [Stream; N] {
        // SAFETY: `self` proves that the CPU has the feature.
        words.map(|words| unsafe { Stream::from_words(words) })
    }

    fn words(self, streams: &[Stream; N]) -> [Words; N] {
        // SAFETY: `self` proves that the CPU has the feature.
        streams.map(|stream| unsafe { stream.to_words() })
    }

    fn extend(self, streams: &mut [Stream; N], messages: [&[Block]; N]) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend(streams, messages) }
    }

    fn extend_digests(
        self,
        streams: &mut [Stream; N],
        digests: &[Stream; N],
        mask: u32,
        rest: &Words,
    ) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { extend_digests(streams, digests, mask, rest) }
    }
}

#[target_feature(enable = "sha,sse4.1")]
fn extend<const N: usize>(streams: &mut [Stream; N], messages: [&[Block]; N]) {
    for block in 0..messages[0].len() {
        compress(streams, messages.map(|message| &message[block]), |block| load_block(block));
    }
}

#[target_feature(enable = "sha,sse4.1")]
fn extend_digests<const N: usize>(
    streams: &mut [Stream; N],
    digests: &[Stream; N],
    mask: u32,
    rest: &Words,
) {
    let mask = _mm_set1_epi32(mask.cast_signed());
    let [rest_low, rest_high] = [0, 1].map(|half| load_words(&rest.as_chunks().0[half]));
    let block = |digest: &Stream| {
        let [low, high] = digest.in_order();
        [_mm_xor_si128(low, mask), _mm_xor_si128(high, mask), rest_low, rest_high]
    };
    compress(streams, digests.each_ref(), block);
}

/// A state as the instructions take it: the first word is the highest.
#[derive(Clone, Copy)]
pub(in super::super) struct Stream {
    abef: __m128i,
    cdgh: __m128i,
}

impl Stream {
    #[inline]
    #[target_feature(enable = "sse2")]
    fn from_words(words: &Words) -> Self {
        let words = words.map(u32::cast_signed);
        Self {
            abef: _mm_set_epi32(words[0], words[1], words[4], words[5]),
            cdgh: _mm_set_epi32(words[2], words[3], words[6], words[7]),
        }
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn to_words(self) -> Words {
        let Self { abef, cdgh } = self;
        [
            _mm_extract_epi32::<3>(abef),
            _mm_extract_epi32::<2>(abef),
            _mm_extract_epi32::<3>(cdgh),
            _mm_extract_epi32::<2>(cdgh),
            _mm_extract_epi32::<1>(abef),
            _mm_extract_epi32::<0>(abef),
            _mm_extract_epi32::<1>(cdgh),
            _mm_extract_epi32::<0>(cdgh),
        ]
        .map(i32::cast_unsigned)
    }

    /// The first four words, then the others, the first of them lowest.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn in_order(self) -> [__m128i; 2] {
        let [abef, cdgh] =
            [self.abef, self.cdgh].map(|words| _mm_shuffle_epi32::<0b00_01_10_11>(words));
        [_mm_unpacklo_epi64(abef, cdgh), _mm_unpackhi_epi64(abef, cdgh)]
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn add(self, other: Self) -> Self {
        Self {
            abef: _mm_add_epi32(self.abef, other.abef),
            cdgh: _mm_add_epi32(self.cdgh, other.cdgh),
        }
    }

    /// Four rounds. `words` are the message's words plus the constants.
    #[inline]
    #[target_feature(enable = "sha,sse2")]
    fn rounds(&mut self, words: __m128i) {
        self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, words);
        let high = _mm_shuffle_epi32::<0b00_00_11_10>(words);
        self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, high);
    }
}

/// `load` gets a block's words. Called here, lest they go through memory.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn compress<const N: usize, B>(
    streams: &mut [Stream; N],
    blocks: [B; N],
    load: impl Fn(B) -> [__m128i; 4],
) {
    let mut working = *streams;
    let mut words = blocks.map(load);
    for (step, constants) in K.iter().enumerate() {
        for (part, constants) in constants.as_chunks().0.iter().enumerate() {
            let constants = load_words(constants);
            for (stream, words) in working.iter_mut().zip(&mut words) {
                if step > 0 {
                    schedule(words, part);
                }
                stream.rounds(_mm_add_epi32(words[part], constants));
            }
        }
    }
    for (stream, working) in streams.iter_mut().zip(working) {
        *stream = stream.add(working);
    }
}

/// Puts the four words 16 rounds on in the place of `words[part]`.
#[inline]
#[target_feature(enable = "sha,ssse3")]
fn schedule(words: &mut [__m128i; 4], part: usize) {
    let [w0, w1, w2, w3] = [0, 1, 2, 3].map(|i| words[(part + i) % 4]);
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
    words[part] = _mm_sha256msg2_epu32(sum, w3);
}

#[inline]
#[target_feature(enable = "ssse3")]
fn load_block(block: &Block) -> [__m128i; 4] {
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    std::array::from_fn(|part| {
        let bytes: &[u8; 16] = &block.as_chunks().0[part];
        // SAFETY: reads the array's 16 bytes, at any alignment.
        let words = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        _mm_shuffle_epi8(words, swap)
    })
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[u32; 4]) -> __m128i {
    // SAFETY: reads the array's 16 bytes, at any alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}
