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
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod intrinsics;
mod lanes;
mod parallel;
mod sbox;
mod sha256;
mod soft;

use alloc::vec::Vec;

pub use self::parallel::ParallelPacketCrypto;
pub use self::soft::SoftPacketCrypto;
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
/// A run is a whole number of packets with consecutive numbers. The length
/// field and the padding are not this trait's business: it sees 1028 bytes to
/// encrypt and a 32-byte MAC.
pub trait PacketCrypto {
    /// Takes one direction's keys.
    fn new(keys: &DirectionKeys) -> Self;

    /// Encrypts each packet's first 1028 bytes and fills in its MAC. The
    /// first packet of the run has the number `first`.
    fn seal(&mut self, first: u64, run: &mut Vec<u8>);

    /// Checks each packet's MAC in constant time, decrypts those before the
    /// first that does not verify, and truncates the run there.
    fn open(&mut self, first: u64, run: &mut Vec<u8>);
}

type Packet = [u8; PACKET_LEN];
