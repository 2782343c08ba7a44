//! Counter mode over packets, with counters that never leave the registers.

use super::super::{BODY_LEN, Packet};

/// A vector of one or more blocks, `LEN` bytes.
pub(super) trait Vector<const LEN: usize>: Copy {
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

/// Vectors encrypted at once: as many as hide the instruction's latency.
const PARALLEL: usize = 8;
/// So that the widest vectors come out even, but for the four bytes.
const _: () = assert!(BODY_LEN % (64 * PARALLEL) == 4);

/// Encrypts or decrypts the bodies of packets. `indices` are the indices of a
/// vector's blocks.
///
/// Inlined into a function that enables the vectors' CPU feature.
#[inline(always)]
pub(super) fn apply_keystream<V: Vector<LEN>, const LEN: usize>(
    keys: &[V; 15],
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
        // One more, of which the rest needs a part.
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
    keys: &[V; 15],
    counters: &mut V,
    step: V,
) -> [V; N] {
    let mut vectors = [*counters; N];
    for vector in &mut vectors {
        *vector = counters.xor(keys[0]);
        *counters = counters.add(step);
    }
    for key in &keys[1..14] {
        for vector in &mut vectors {
            *vector = vector.round(*key);
        }
    }
    for vector in &mut vectors {
        *vector = vector.last_round(keys[14]);
    }
    vectors
}
