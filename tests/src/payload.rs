//! Reproducible test data and its fingerprint.

use std::io::{Read, Write};
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};

/// Length and SHA-256 of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes in all.
    pub length: u64,
    /// SHA-256 of the bytes.
    pub digest: [u8; 32],
}

/// Random-looking bytes, the same for the same seed.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| splitmix64(&mut state).to_le_bytes());
    words.flatten().take(length).collect()
}

/// Writes `length` random-looking bytes and tells what they were.
///
/// # Panics
/// If the other end does not take them.
pub fn send(writer: &mut dyn Write, seed: u64, length: u64) -> Fingerprint {
    let block = bytes(seed, BLOCK);
    let mut hash = Sha256::new();
    let mut left = length;
    while left > 0 {
        let take = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        // Number the blocks, so that none can stand for another.
        let mut block = block[..take].to_vec();
        let stamp = left.to_le_bytes();
        let stamped = take.min(stamp.len());
        block[..stamped].copy_from_slice(&stamp[..stamped]);
        hash.update(&block);
        writer.write_all(&block).expect("sending the payload");
        left -= take as u64;
    }
    Fingerprint { length, digest: hash.finalize().into() }
}

/// Reads to the end and tells what came.
///
/// # Panics
/// If the stream ends with an error.
pub fn receive(reader: &mut dyn Read) -> Fingerprint {
    let mut buffer = vec![0; BLOCK];
    let mut hash = Sha256::new();
    let mut length = 0;
    loop {
        let count = reader.read(&mut buffer).expect("receiving the payload");
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        length += count as u64;
    }
    Fingerprint { length, digest: hash.finalize().into() }
}

/// A payload on its way from one thread to another.
pub struct Transfer {
    sent: JoinHandle<Fingerprint>,
    received: JoinHandle<Fingerprint>,
}

impl Transfer {
    /// Starts sending `length` bytes and the end, and receiving to the end.
    pub fn start(
        mut writer: Box<dyn Write + Send>,
        mut reader: Box<dyn Read + Send>,
        length: u64,
    ) -> Self {
        Self {
            sent: thread::spawn(move || send(&mut *writer, length, length)),
            received: thread::spawn(move || receive(&mut *reader)),
        }
    }

    /// Waits for the end and checks that what came is what was sent.
    pub fn check(self) {
        let sent = self.sent.join().expect("the sender");
        let received = self.received.join().expect("the receiver");
        assert_eq!(sent, received);
    }
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const BLOCK: usize = 64 * 1024;
