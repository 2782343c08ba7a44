//! The MACs of packets, which all have the same length.

use std::{array, slice};

use super::hmac::{Hmac, MacKey, pad};
use super::sha256::{BLOCK_LEN, Batch, Block, Sha256, bytes};
use super::{BODY_LEN, MAC_LEN, Packet};

pub(super) type Tag = [u8; MAC_LEN];

/// What is left of a body after its whole blocks. Fits into a last one with the
/// packet number and the padding.
const REST_LEN: usize = BODY_LEN % BLOCK_LEN;
const NUMBER_LEN: usize = size_of::<u64>();
const _: () = assert!(REST_LEN + NUMBER_LEN < BLOCK_LEN - size_of::<u64>());

/// The MACs of the first packets.
pub(super) struct Tags<'a> {
    pub(super) key: &'a MacKey,
    /// The number of the first packet.
    pub(super) first: u64,
    pub(super) packets: &'a [Packet],
    pub(super) into: &'a mut [Tag],
}

/// Takes as long for one packet as for `N`.
impl Batch for Tags<'_> {
    fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize {
        let Self { key, first, packets, into } = self;
        let Some(last) = packets.len().checked_sub(1) else { return 0 };
        // Idle lanes do the last packet again.
        let lanes: [usize; N] = array::from_fn(|lane| lane.min(last));
        let bodies = lanes.map(|index| packets[index][..BODY_LEN].as_chunks());
        let last: [Block; N] = array::from_fn(|lane| {
            let (_, rest) = bodies[lane];
            last_block(rest, *first + lanes[lane] as u64)
        });
        let mut hmac = Hmac::with_key(sha256, key);
        hmac.update(bodies.map(|(whole, _)| whole));
        hmac.update(last.each_ref().map(slice::from_ref));
        for (tag, digest) in into.iter_mut().zip(sha256.words(hmac.finish())) {
            *tag = bytes(digest);
        }
        packets.len().min(N)
    }
}

fn last_block(rest: &[u8], number: u64) -> Block {
    let mut block = [0; BLOCK_LEN];
    block[..REST_LEN].copy_from_slice(rest);
    block[REST_LEN..REST_LEN + NUMBER_LEN].copy_from_slice(&number.to_be_bytes());
    pad(slice::from_mut(&mut block), BODY_LEN + NUMBER_LEN);
    block
}

#[cfg(test)]
mod tests {
    use super::super::backend::each_kernel;
    use super::super::tests::{Keys, Random};
    use super::super::{GROUP_LEN, PACKET_LEN};
    use super::*;

    /// Of no more packets than there are lanes, and of more.
    #[test]
    fn every_kernel_makes_the_tags_that_the_stock_crates_make() {
        each_kernel(&mut AsTheStockCrates);
    }

    struct AsTheStockCrates;

    impl Batch for AsTheStockCrates {
        fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize {
            let mut random = Random(N as u64);
            let keys = Keys::random(&mut random);
            let mut key = MacKey::blank();
            key.set(&keys.mac);
            for count in 0..=GROUP_LEN {
                let sealed = keys.sealed(3, &random.run(count));
                let (packets, _) = sealed.as_chunks::<PACKET_LEN>();
                let mut tags = [[0; MAC_LEN]; GROUP_LEN];
                let mut batch = Tags { key: &key, first: 3, packets, into: &mut tags };
                assert_eq!(batch.run(sha256), count.min(N));
                for (packet, tag) in packets.iter().zip(tags).take(N) {
                    assert_eq!(packet[BODY_LEN..], tag, "{N} lanes, {count} packets");
                }
            }
            N
        }
    }
}
