//! AES-256-CTR with VAES: four blocks of a key stream in a vector, made from
//! counters that never leave the registers.

use std::arch::x86_64::*;

use zeroize::ZeroizeOnDrop;

use super::super::{BODY_LEN, KEY_LEN, Packet};

/// Blocks in a vector.
const VECTOR_BLOCKS: i64 = 4;
const VECTOR_LEN: usize = 64;

/// A packet is 16 vectors and 4 bytes. As many vectors are encrypted at once
/// as hide the instruction's latency: 8, then 8 and that of the 4 bytes.
const HALF: usize = 8;

/// Proof of AVX-512F, VAES and AES-NI.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Vaes(());

impl Vaes {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("aes"))
        .then_some(Self(()))
    }

    pub(in super::super) fn expand(self, key: &[u8; KEY_LEN]) -> Key {
        // SAFETY: `self` proves that the CPU has the feature.
        let rounds = unsafe { expand(key) };
        Key { rounds, vaes: self }
    }
}

/// The keys of every round. Wiped on drop.
#[derive(ZeroizeOnDrop)]
pub(in super::super) struct Key {
    rounds: [__m128i; 15],
    #[zeroize(skip)]
    vaes: Vaes,
}

impl Key {
    /// Encrypts or decrypts the bodies of packets.
    pub(in super::super) fn apply_keystream(&self, first: u64, packets: &mut [Packet]) {
        let Vaes(()) = self.vaes;
        // SAFETY: `self.vaes` proves that the CPU has the features.
        unsafe { apply_keystream(&self.rounds, first, packets) }
    }
}

#[target_feature(enable = "vaes,avx512f")]
fn apply_keystream(keys: &[__m128i; 15], first: u64, packets: &mut [Packet]) {
    let keys = keys.map(|key| _mm512_broadcast_i32x4(key));
    for (packet, number) in packets.iter_mut().zip(first..) {
        let (vectors, tail) = packet[..BODY_LEN].as_chunks_mut();
        let (head, rest) = vectors.split_at_mut(HALF);
        let mut counters = Counters::new(number);
        let key_stream = encrypt::<HALF>(&keys, &mut counters);
        for (bytes, key_stream) in head.iter_mut().zip(key_stream) {
            xor(bytes, key_stream);
        }
        let [key_stream @ .., last] = encrypt::<{ HALF + 1 }>(&keys, &mut counters);
        for (bytes, key_stream) in rest.iter_mut().zip(key_stream) {
            xor(bytes, key_stream);
        }
        let last = _mm_cvtsi128_si32(_mm512_castsi512_si128(last)).to_le_bytes();
        for (byte, key_stream) in tail.iter_mut().zip(last) {
            *byte ^= key_stream;
        }
    }
}

/// The next four counter blocks.
struct Counters(__m512i);

impl Counters {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(number: u64) -> Self {
        let number = number.swap_bytes().cast_signed();
        // Elements are given from the highest down: index, number.
        Self(_mm512_set_epi64(
            index(3),
            number,
            index(2),
            number,
            index(1),
            number,
            index(0),
            number,
        ))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn next(&mut self) -> __m512i {
        let counters = self.0;
        let step = index(VECTOR_BLOCKS);
        let step = _mm512_set_epi64(step, 0, step, 0, step, 0, step, 0);
        self.0 = _mm512_add_epi64(counters, step);
        counters
    }
}

/// A block's index, which is below 256, in the byte order of the counter block.
const fn index(block: i64) -> i64 {
    block << 56
}

/// `N` vectors of key stream.
#[inline]
#[target_feature(enable = "vaes,avx512f")]
fn encrypt<const N: usize>(keys: &[__m512i; 15], counters: &mut Counters) -> [__m512i; N] {
    let mut vectors = [_mm512_setzero_si512(); N];
    for vector in &mut vectors {
        *vector = _mm512_xor_si512(counters.next(), keys[0]);
    }
    for key in &keys[1..14] {
        for vector in &mut vectors {
            *vector = _mm512_aesenc_epi128(*vector, *key);
        }
    }
    vectors.map(|vector| _mm512_aesenclast_epi128(vector, keys[14]))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(bytes: &mut [u8; VECTOR_LEN], key_stream: __m512i) {
    // SAFETY: reads the array's 64 bytes, at any alignment.
    let mixed = _mm512_xor_si512(key_stream, unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) });
    // SAFETY: writes the array's 64 bytes, at any alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), mixed) };
}

/// FIPS 197, 5.2, for 256 bits: a round key is made from the two before it.
#[target_feature(enable = "aes")]
fn expand(key: &[u8; KEY_LEN]) -> [__m128i; 15] {
    let (halves, _) = key.as_chunks();
    let mut keys = [load(&halves[0]); 15];
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
    keys
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: reads the array's 16 bytes, at any alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
