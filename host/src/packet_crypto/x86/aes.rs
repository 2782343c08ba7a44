//! AES-256-CTR with AES-NI, or with VAES, which does 2 or 4 blocks at once.

use std::arch::x86_64::*;

use zeroize::ZeroizeOnDrop;

use super::super::keystream::{self, Vector};
use super::super::{KEY_LEN, Packet};

/// Proof of AES-NI, and of what the width needs besides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Aes(Width);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    One,
    /// VAES and AVX2.
    Two,
    /// VAES and AVX-512F.
    Four,
}

impl Aes {
    /// The fastest.
    pub(super) fn detect() -> Option<Self> {
        Self::available().last()
    }

    pub(super) fn available() -> impl Iterator<Item = Self> {
        let aes = is_x86_feature_detected!("aes");
        let vaes = aes && is_x86_feature_detected!("vaes");
        [
            (Width::One, aes),
            (Width::Two, vaes && is_x86_feature_detected!("avx2")),
            (Width::Four, vaes && is_x86_feature_detected!("avx512f")),
        ]
        .into_iter()
        .filter_map(|(width, detected)| detected.then_some(Self(width)))
    }

    pub(super) fn name(self) -> &'static str {
        match self.0 {
            Width::One => "aes-ni",
            Width::Two => "vaes256",
            Width::Four => "vaes512",
        }
    }

    pub(in super::super) fn blank(self) -> Key {
        // SAFETY: `self` proves that the CPU has the feature.
        let zero = unsafe { _mm_setzero_si128() };
        Key { rounds: [zero; 15], aes: self }
    }
}

/// The keys of every round, at first blank ones. Wiped on drop.
#[derive(ZeroizeOnDrop)]
pub(in super::super) struct Key {
    rounds: [__m128i; 15],
    #[zeroize(skip)]
    aes: Aes,
}

impl Key {
    /// Expands a key in its place.
    pub(in super::super) fn set(&mut self, key: &[u8; KEY_LEN]) {
        // SAFETY: `self.aes` proves that the CPU has the feature.
        unsafe { expand(&mut self.rounds, key) }
    }

    /// Encrypts or decrypts the bodies of packets.
    pub(in super::super) fn apply_keystream(&self, first: u64, packets: &mut [Packet]) {
        // SAFETY: `self.aes` proves that the CPU has the features.
        unsafe {
            match self.aes.0 {
                Width::One => apply_one(&self.rounds, first, packets),
                Width::Two => apply_two(&self.rounds, first, packets),
                Width::Four => apply_four(&self.rounds, first, packets),
            }
        }
    }
}

#[target_feature(enable = "aes")]
fn apply_one(keys: &[__m128i; 15], first: u64, packets: &mut [Packet]) {
    let indices = One(_mm_setzero_si128());
    keystream::apply_keystream(keys, indices, first, packets);
}

#[target_feature(enable = "vaes,avx2")]
fn apply_two(keys: &[__m128i; 15], first: u64, packets: &mut [Packet]) {
    let indices = Two(_mm256_set_epi64x(keystream::index(1), 0, 0, 0));
    keystream::apply_keystream(keys, indices, first, packets);
}

#[target_feature(enable = "vaes,avx512f")]
fn apply_four(keys: &[__m128i; 15], first: u64, packets: &mut [Packet]) {
    let (one, two, three) = (keystream::index(1), keystream::index(2), keystream::index(3));
    let indices = Four(_mm512_set_epi64(three, 0, two, 0, one, 0, 0, 0));
    keystream::apply_keystream(keys, indices, first, packets);
}

/// FIPS 197, 5.2, for 256 bits: a round key is made from the two before it.
#[target_feature(enable = "aes")]
fn expand(keys: &mut [__m128i; 15], key: &[u8; KEY_LEN]) {
    let (halves, _) = key.as_chunks();
    keys[0] = load(&halves[0]);
    keys[1] = load(&halves[1]);
    for i in 2..keys.len() {
        let substituted = _mm_aeskeygenassist_si128::<0>(keys[i - 1]);
        let word = if i % 2 == 0 {
            let constant = _mm_set1_epi32(1 << (i / 2 - 1));
            _mm_xor_si128(_mm_shuffle_epi32::<0b11_11_11_11>(substituted), constant)
        } else {
            // Not rotated.
            _mm_shuffle_epi32::<0b10_10_10_10>(substituted)
        };
        // Each word is mixed with all that are before it in its key.
        let mut mixed = keys[i - 2];
        mixed = _mm_xor_si128(mixed, _mm_slli_si128::<4>(mixed));
        mixed = _mm_xor_si128(mixed, _mm_slli_si128::<8>(mixed));
        keys[i] = _mm_xor_si128(mixed, word);
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: reads the array's 16 bytes, at any alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

macro_rules! vector {
    (
        $name:ident, $len:literal, $vector:ty, $broadcast:expr, $low:expr,
        $add:ident, $xor:ident, $round:ident, $last_round:ident, $load:ident, $store:ident
    ) => {
        /// Proof that the CPU has what the intrinsics need: only functions that
        /// enable it make one.
        #[derive(Clone, Copy)]
        struct $name($vector);

        impl Vector<$len> for $name {
            type Key = __m128i;

            #[inline(always)]
            fn key(self, key: &__m128i) -> Self {
                // SAFETY: there is a value of the type, and it reads one key.
                Self(unsafe { $broadcast(_mm_load_si128(key)) })
            }

            #[inline(always)]
            fn broadcast(self, number: i64, index: i64) -> Self {
                // SAFETY: there is a value of the type.
                Self(unsafe { $broadcast(_mm_set_epi64x(index, number)) })
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: there is a value of the type.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                // SAFETY: there is a value of the type.
                Self(unsafe { $xor(self.0, other.0) })
            }

            #[inline(always)]
            fn round(self, key: Self) -> Self {
                // SAFETY: there is a value of the type.
                Self(unsafe { $round(self.0, key.0) })
            }

            #[inline(always)]
            fn last_round(self, key: Self) -> Self {
                // SAFETY: there is a value of the type.
                Self(unsafe { $last_round(self.0, key.0) })
            }

            #[inline(always)]
            fn xor_into(self, bytes: &mut [u8; $len]) {
                // SAFETY: the same, and it reads the array, at any alignment.
                let mixed = self.xor(Self(unsafe { $load(bytes.as_ptr().cast()) }));
                // SAFETY: the same, and it writes the array, at any alignment.
                unsafe { $store(bytes.as_mut_ptr().cast(), mixed.0) };
            }

            #[inline(always)]
            fn start(self) -> [u8; 4] {
                // SAFETY: there is a value of the type.
                unsafe { _mm_cvtsi128_si32($low(self.0)) }.to_le_bytes()
            }
        }
    };
}

vector!(
    One,
    16,
    __m128i,
    |block| block,
    |block| block,
    _mm_add_epi64,
    _mm_xor_si128,
    _mm_aesenc_si128,
    _mm_aesenclast_si128,
    _mm_loadu_si128,
    _mm_storeu_si128
);
vector!(
    Two,
    32,
    __m256i,
    _mm256_broadcastsi128_si256,
    _mm256_castsi256_si128,
    _mm256_add_epi64,
    _mm256_xor_si256,
    _mm256_aesenc_epi128,
    _mm256_aesenclast_epi128,
    _mm256_loadu_si256,
    _mm256_storeu_si256
);
vector!(
    Four,
    64,
    __m512i,
    _mm512_broadcast_i32x4,
    _mm512_castsi512_si128,
    _mm512_add_epi64,
    _mm512_xor_si512,
    _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128,
    _mm512_loadu_si512,
    _mm512_storeu_si512
);
