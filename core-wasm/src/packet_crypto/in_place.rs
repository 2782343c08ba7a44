//! Runs of packets that are put together first and then worked on where they are.

use alloc::vec::Vec;
use core::mem;

use super::{BODY_LEN, Bodies, PACKET_LEN, PLAIN_MAX, PacketCrypto, Packets, split_last};
use crate::keys::{DirectionKeys, MAC_LEN};

/// What seals and opens packets where they are. A run is a whole number of them.
pub trait Cipher {
    /// Takes one direction's keys.
    fn new(keys: &DirectionKeys) -> Self;

    /// Encrypts each packet's first 1028 bytes and fills in its MAC. The
    /// first packet of the run has the number `first`.
    fn seal(&self, first: u64, run: &mut [u8]);

    /// Checks each packet's MAC in constant time and decrypts those before the
    /// first that does not verify. Returns their length in bytes.
    fn open(&self, first: u64, run: &mut [u8]) -> usize;
}

/// A cipher, and the run it has opened last.
pub struct InPlace<C> {
    cipher: C,
    opened: Vec<u8>,
}

impl<C: Cipher> PacketCrypto for InPlace<C> {
    fn new(keys: &DirectionKeys) -> Self {
        Self { cipher: C::new(keys), opened: Vec::new() }
    }

    fn seal(&mut self, first: u64, bodies: Bodies<'_>, sealed: &mut Vec<u8>) {
        let Bodies { messages, trailer, last_trailer } = bodies;
        let start = sealed.len();
        let (full, last) = split_last(messages);
        sealed.reserve((full.len() / PLAIN_MAX + 1) * PACKET_LEN);
        let full = full.chunks(PLAIN_MAX).map(|message| (message, &trailer[..]));
        for (message, trailer) in full.chain([(last, last_trailer)]) {
            sealed.extend_from_slice(message);
            sealed.extend_from_slice(trailer);
            sealed.extend_from_slice(&[0; MAC_LEN]);
        }
        self.cipher.seal(first, &mut sealed[start..]);
    }

    fn open(&mut self, first: u64, Packets { head, rest }: Packets<'_>) -> Vec<u32> {
        self.opened.reserve_exact(head.len() + rest.len());
        self.opened.extend_from_slice(head);
        self.opened.extend_from_slice(rest);
        let authentic = self.cipher.open(first, &mut self.opened);
        self.opened.truncate(authentic);
        let length = |packet: &[u8]| {
            packet[PLAIN_MAX..BODY_LEN]
                .iter()
                .fold(0, |length, byte| length << 8 | u32::from(*byte))
        };
        self.opened.chunks_exact(PACKET_LEN).map(length).collect()
    }

    fn deliver(&mut self, lengths: &[u32], plain: &mut Vec<u8>) {
        let mut run = mem::take(&mut self.opened);
        let mut end = 0;
        for (index, length) in lengths.iter().enumerate() {
            let (start, length) = (index * PACKET_LEN, *length as usize);
            run.copy_within(start..start + length, end);
            end += length;
        }
        run.truncate(end);
        // Without copying, where there is nothing to append to.
        if plain.is_empty() {
            *plain = run;
        } else {
            plain.extend_from_slice(&run);
        }
    }
}
