//! Counter mode over packets, with counters that never leave the registers.

use std::hint::black_box;

use super::{BODY_LEN, Packet};

/// A vector of one or more blocks, `LEN` bytes.
pub(super) trait Vector<const LEN: usize>: Copy {
    /// A round's key in memory.
    type Key;
    /// Loads it, for every block. Of `self` only that it exists matters.
    fn key(self, key: &Self::Key) -> Self;
    /// The counter block in the place of every block. Of `self` only that it
    /// exists matters.
    fn broadcast(self, number: i64, index: i64) -> Self;
    /// Of 64-bit numbers.
    fn add(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn round(self, key: Self) -> Self;
    fn last_round(self, key: Self) -> Self;
    fn xor_into(self, bytes: &mut [u8; LEN]);
    /// The first four bytes.
    fn start(self) -> [u8; 4];
}

/// How many vectors are encrypted in parallel: as many as hide the latency of the
/// instruction.
const PARALLEL: usize = 8;
/// So that the widest vectors come out even, but for the four bytes.
const _: () = assert!(BODY_LEN % (64 * PARALLEL) == 4);

/// Encrypts or decrypts the bodies of packets. `indices` are the indices of a
/// vector's blocks.
///
/// Inlined into a function that enables the vectors' CPU feature.
#[inline(always)]
pub(super) fn apply_keystream<V: Vector<LEN>, const LEN: usize>(
    keys: &[V::Key; 15],
    indices: V,
    first: u64,
    packets: &mut [Packet],
) {
    let step = indices.broadcast(0, index(LEN as u64 / 16));
    for (packet, number) in packets.iter_mut().zip(first..) {
        let (vectors, rest) = packet[..BODY_LEN].as_chunks_mut();
        let mut counters = indices.broadcast(number.swap_bytes().cast_signed(), 0).add(indices);
        let (groups, _) = vectors.as_chunks_mut::<PARALLEL>();
        let Some((last, groups)) = groups.split_last_mut() else { continue };
        for group in groups {
            xor(group, encrypt(keys, &mut counters, step));
        }
        // One more vector, of which the last four bytes need a part.
        let [key_stream @ .., of_rest]: [V; PARALLEL + 1] = encrypt(keys, &mut counters, step);
        xor(last, key_stream);
        for (byte, key_stream) in rest.iter_mut().zip(of_rest.start()) {
            *byte ^= key_stream;
        }
    }
}

#[inline(always)]
fn xor<V: Vector<LEN>, const LEN: usize>(
    group: &mut [[u8; LEN]; PARALLEL],
    key_stream: [V; PARALLEL],
) {
    for (bytes, key_stream) in group.iter_mut().zip(key_stream) {
        key_stream.xor_into(bytes);
    }
}

/// A block's index, which is below 256, in the counter block's byte order.
pub(super) const fn index(block: u64) -> i64 {
    (block << 56).cast_signed()
}

/// The next `N` vectors of key stream.
#[inline(always)]
fn encrypt<V: Vector<LEN>, const LEN: usize, const N: usize>(
    keys: &[V::Key; 15],
    counters: &mut V,
    step: V,
) -> [V; N] {
    // Loaded again for each call. There are more keys than registers: if the compiler
    // may load them once before the loop, it copies them to the stack first, and then
    // loads them from there.
    let [whitening, keys @ .., last_key] = black_box(keys);
    let key = step.key(whitening);
    let mut vectors = [step; N];
    for vector in &mut vectors {
        *vector = counters.xor(key);
        *counters = counters.add(step);
    }
    for key in keys {
        let key = step.key(key);
        for vector in &mut vectors {
            *vector = vector.round(key);
        }
    }
    let key = step.key(last_key);
    for vector in &mut vectors {
        *vector = vector.last_round(key);
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::super::tests::Random;
    use super::*;

    const ROUNDS: usize = 15;

    /// No AES, but as sensitive to which key, block and counter are used where.
    /// What it is does not matter to the code that is tested.
    fn round(block: u128, key: u128) -> u128 {
        block.rotate_left(41).wrapping_mul(0x1234_5678_9abc_def1_0fed_cba9_8765_4321) ^ key
    }

    impl<const LEN: usize, const BLOCKS: usize> Vector<LEN> for Blocks<BLOCKS> {
        type Key = u128;

        fn key(self, key: &u128) -> Self {
            Self([*key; BLOCKS])
        }

        fn broadcast(self, number: i64, index: i64) -> Self {
            let halves = [number, index].map(i64::to_le_bytes);
            let bytes = halves.as_flattened().try_into().expect("16 bytes");
            Self([u128::from_le_bytes(bytes); BLOCKS])
        }

        fn add(self, other: Self) -> Self {
            let low = u128::from(u64::MAX);
            let sum = |i: usize| {
                let [a, b]: [u128; 2] = [self.0[i], other.0[i]];
                (a & !low).wrapping_add(b & !low) | (((a & low) + (b & low)) & low)
            };
            Self(std::array::from_fn(sum))
        }

        fn xor(self, other: Self) -> Self {
            Self(std::array::from_fn(|i| self.0[i] ^ other.0[i]))
        }

        fn round(self, key: Self) -> Self {
            Self(std::array::from_fn(|i| round(self.0[i], key.0[i])))
        }

        fn last_round(self, key: Self) -> Self {
            Vector::<LEN>::xor(self, key)
        }

        fn xor_into(self, bytes: &mut [u8; LEN]) {
            for (bytes, block) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
                *bytes = (u128::from_le_bytes(*bytes) ^ block).to_le_bytes();
            }
        }

        fn start(self) -> [u8; 4] {
            *self.0[0].to_le_bytes().first_chunk().expect("16 bytes")
        }
    }

    #[derive(Clone, Copy)]
    struct Blocks<const BLOCKS: usize>([u128; BLOCKS]);

    #[test]
    fn every_width_makes_the_key_stream_block_by_block() {
        with_width::<1, 16>();
        with_width::<2, 32>();
        with_width::<4, 64>();
    }

    fn with_width<const BLOCKS: usize, const LEN: usize>() {
        let mut random = Random(2);
        let keys: [u128; ROUNDS] = std::array::from_fn(|_| u128::from_le_bytes(random.bytes()));
        let indices = std::array::from_fn(|i| u128::from(index(i as u64).cast_unsigned()) << 64);
        for first in [0, 255, u64::MAX - 3] {
            let mut packets: [Packet; 3] = std::array::from_fn(|_| random.bytes());
            let mut expected = packets;
            for (packet, number) in expected.iter_mut().zip(first..) {
                for (i, block) in (0_u64..).zip(packet[..BODY_LEN].chunks_mut(16)) {
                    let counter = u128::from(number) << 64 | u128::from(i);
                    let [whitening, keys @ .., last] = &keys;
                    let mut key_stream = u128::from_le_bytes(counter.to_be_bytes()) ^ whitening;
                    key_stream = keys.iter().fold(key_stream, |block, key| round(block, *key));
                    for (byte, mask) in block.iter_mut().zip((key_stream ^ last).to_le_bytes()) {
                        *byte ^= mask;
                    }
                }
            }
            apply_keystream::<_, LEN>(&keys, Blocks::<BLOCKS>(indices), first, &mut packets);
            assert!(packets == expected, "{BLOCKS} blocks, from {first}");
        }
    }
}
