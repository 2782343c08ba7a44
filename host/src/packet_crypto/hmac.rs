//! HMAC-SHA-256 (RFC 2104) over packets, which all have the same length.

use std::{array, slice};

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::sha256::{BLOCK_LEN, Block, INITIAL, Sha256, Words, bytes, compress};
use super::{BODY_LEN, KEY_LEN, MAC_LEN, Packet};

pub(super) type Tag = [u8; MAC_LEN];

/// What is left of a body after its whole blocks. Fits into a last one with the
/// packet number and the padding.
const REST_LEN: usize = BODY_LEN % BLOCK_LEN;
const NUMBER_LEN: usize = size_of::<u64>();
const _: () = assert!(REST_LEN + NUMBER_LEN < BLOCK_LEN - size_of::<u64>());

/// A key, hashed: the states after the block that it is padded to. Wiped on
/// drop.
#[derive(ZeroizeOnDrop)]
pub(super) struct MacKey {
    inner: Words,
    outer: Words,
}

impl MacKey {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let after_padded = |padding: u8| {
            let mut block = Zeroizing::new([padding; BLOCK_LEN]);
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            let mut state = INITIAL;
            compress(&mut state, slice::from_ref(&*block));
            state
        };
        Self { inner: after_padded(0x36), outer: after_padded(0x5c) }
    }

    /// The MACs of the first packets, as many as there are, at most `N`.
    /// Returns how many. Takes as long for one packet as for `N`.
    pub(super) fn tags<const N: usize>(
        &self,
        sha256: impl Sha256<N>,
        first: u64,
        packets: &[Packet],
        tags: &mut [Tag],
    ) -> usize {
        let Some(last) = packets.len().checked_sub(1) else { return 0 };
        // Idle lanes do the last packet again.
        let lanes: [usize; N] = array::from_fn(|lane| lane.min(last));
        let bodies = lanes.map(|index| packets[index][..BODY_LEN].as_chunks());
        let last: [Block; N] = array::from_fn(|lane| {
            let (_, rest) = bodies[lane];
            last_block(rest, first + lanes[lane] as u64)
        });
        let digests = sha256.extend(&self.inner, bodies.map(|(whole, _)| whole), &last);
        let digests = sha256.extend(&self.outer, [&[]; N], &digests.map(outer_block));
        for (tag, digest) in tags.iter_mut().zip(digests) {
            *tag = bytes(digest);
        }
        packets.len().min(N)
    }
}

fn last_block(rest: &[u8], number: u64) -> Block {
    const BITS: u64 = 8 * (BLOCK_LEN + BODY_LEN + NUMBER_LEN) as u64;
    let mut block = [0; BLOCK_LEN];
    block[..REST_LEN].copy_from_slice(rest);
    block[REST_LEN..REST_LEN + NUMBER_LEN].copy_from_slice(&number.to_be_bytes());
    block[REST_LEN + NUMBER_LEN] = 0x80;
    block[BLOCK_LEN - size_of::<u64>()..].copy_from_slice(&BITS.to_be_bytes());
    block
}

fn outer_block(digest: Words) -> Block {
    const BITS: u64 = 8 * (BLOCK_LEN + MAC_LEN) as u64;
    let mut block = [0; BLOCK_LEN];
    block[..MAC_LEN].copy_from_slice(&bytes(digest));
    block[MAC_LEN] = 0x80;
    block[BLOCK_LEN - size_of::<u64>()..].copy_from_slice(&BITS.to_be_bytes());
    block
}
