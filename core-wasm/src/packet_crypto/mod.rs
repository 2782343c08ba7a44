//! The cryptography of a run of packets, and two implementations: a plain one,
//! and one that works on several packets at once, for WebAssembly.
//!
//! ```text
//! 0            1024      1028              1060
//! | message,    | length  | HMAC-SHA-256    |
//! | zero-padded | be32    | of 0..1028 and  |
//! |  encrypted (AES-CTR)  | packet number   |
//! ```
//!
//! protocol.md P-1, and in [`PacketCrypto::open`] protocol.md P-3.

mod aes;
mod hmac;
mod in_place;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod intrinsics;
mod lanes;
mod parallel;
mod sbox;
mod sha256;
mod soft;

use alloc::vec::Vec;

pub use self::in_place::{Cipher, InPlace};
use self::parallel::Parallel;
use self::soft::Soft;
use crate::keys::{DirectionKeys, MAC_LEN};

/// The most plaintext one packet carries, in bytes.
pub const PLAIN_MAX: usize = 1024;
/// Length of a packet on the wire, in bytes.
pub const PACKET_LEN: usize = BODY_LEN + MAC_LEN;
/// The most packets handed to a [`PacketCrypto`] at once.
pub const RUN_MAX: usize = 64;

/// The encrypted part: message and length field.
pub(crate) const BODY_LEN: usize = PLAIN_MAX + LENGTH_LEN;

pub(crate) const LENGTH_LEN: usize = 4;

/// Seals or opens runs of packets under one direction's keys.
///
/// A run is at most [`RUN_MAX`] packets with consecutive numbers. What lengths
/// and padding mean is not this trait's business: it sees 1028 bytes to encrypt
/// and a 32-byte MAC.
pub trait PacketCrypto {
    /// Takes one direction's keys.
    fn new(keys: &DirectionKeys) -> Self;

    /// Seals a packet of each body and appends them to `sealed`, unless they go
    /// to the peer by another way. The first packet has the number `first`.
    fn seal(&mut self, first: u64, bodies: Bodies<'_>, sealed: &mut Vec<u8>);

    /// Checks each packet's MAC in constant time and decrypts those before the
    /// first that does not verify. Returns what their length fields say.
    fn open(&mut self, first: u64, packets: Packets<'_>) -> Vec<u32>;

    /// Of each packet that was opened last, appends so many bytes to `plain`,
    /// unless they go to the application by another way.
    fn deliver(&mut self, lengths: &[u32], plain: &mut Vec<u8>);
}

/// The bodies of a run's packets, in parts, so that none has to be copied to be
/// put together. All but the last are full.
#[derive(Clone, Copy, Debug)]
pub struct Bodies<'a> {
    /// The messages, one after the other.
    pub messages: &'a [u8],
    /// The length of a full one, which follows it.
    pub trailer: &'a [u8; LENGTH_LEN],
    /// What follows the last one: its padding and its length.
    pub last_trailer: &'a [u8],
}

/// Messages that fill their packets, and the last one, which may not.
pub(crate) fn split_last(messages: &[u8]) -> (&[u8], &[u8]) {
    messages.split_at(messages.len().saturating_sub(1) / PLAIN_MAX * PLAIN_MAX)
}

/// A run of whole packets, in two parts.
#[derive(Clone, Copy, Debug)]
pub struct Packets<'a> {
    /// The first, or nothing: one that did not come in one piece.
    pub head: &'a [u8],
    /// The others.
    pub rest: &'a [u8],
}

/// AES-256-CTR and HMAC-SHA-256 from the `RustCrypto` crates, packet by packet.
pub type SoftPacketCrypto = InPlace<Soft>;

/// AES-256-CTR and HMAC-SHA-256 without any instruction made for them, on vectors
/// of 128 bits: the fastest where there are such and nothing else, as in
/// WebAssembly with `simd128`. No table, no branch and no address depends on a key
/// or on plaintext.
pub type ParallelPacketCrypto = InPlace<Parallel>;

type Packet = [u8; PACKET_LEN];
