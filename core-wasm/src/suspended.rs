//! A suspended session as bytes.
//!
//! ```text
//! 0..4     "spst"
//! 4        version of this format, 1
//! 5        the oldest version whose readers understand it, 1
//! 6        flags: 1 = the plain side has ended, 2 = the crypt side has,
//!          4 = X25519, with end marks, 8 = the peer's end mark has come
//! 7        0
//! 8..24    which PSK it was made with
//! 24..96   sealing: cipher key (32), MAC key (32), next packet number (8)
//! 96..168  opening: the same
//! 168..170 length of what follows
//! 170..    the beginning of a packet whose rest has not come
//!          (fields of later versions)
//! ..       checksum: the first 16 bytes of the SHA-256 of all before
//! ```
//!
//! Integers are big-endian. The packet keys are secret. The other fields must not be
//! changed either: a packet number used twice would reveal the difference of two
//! packets. The checksum detects mix-ups and truncation, not an attacker, who could
//! read the keys.
//!
//! A later version that only appends fields leaves the oldest version at 1, so that a
//! program can be replaced by an earlier version of itself.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::config::KeyExchange;
use crate::keys::{DirectionKeys, PskId};
use crate::packet::{EndMark, Position};
use crate::packet_crypto::PACKET_LEN;
use crate::secret::Secret;

/// The most bytes a state has.
pub const STATE_LEN_MAX: usize = PARTIAL_AT + PACKET_LEN - 1 + APPENDED.len() + CHECKSUM_LEN;

const MAGIC: &[u8; 4] = b"spst";
const VERSION: u8 = if cfg!(feature = "next") { 2 } else { 1 };
/// The fields that this version appends.
const APPENDED: &[u8] = if cfg!(feature = "next") { b"as if" } else { b"" };
const OLDEST_READER: u8 = 1;
const PARTIAL_AT: usize = 170;
const CHECKSUM_LEN: usize = 16;

const PLAIN_ENDED: u8 = 1;
const CRYPT_ENDED: u8 = 2;
const X25519: u8 = 4;
const END_MARK_RECEIVED: u8 = 8;
const ALL_FLAGS: u8 = PLAIN_ENDED | CRYPT_ENDED | X25519 | END_MARK_RECEIVED;

/// The complete state of an established session: protocol.md S-1.
pub(crate) struct Suspended<'a> {
    pub(crate) exchange: KeyExchange,
    pub(crate) psk_id: PskId,
    pub(crate) plain_ended: bool,
    pub(crate) crypt_ended: bool,
    pub(crate) sealing: Position,
    pub(crate) opening: Position,
    pub(crate) end_mark: EndMark,
    /// The beginning of a packet.
    pub(crate) partial: &'a [u8],
}

impl<'a> Suspended<'a> {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Allocated at its full size: a vector that grows leaves secrets behind.
        let len = PARTIAL_AT + self.partial.len() + APPENDED.len() + CHECKSUM_LEN;
        let mut bytes = Zeroizing::new(Vec::with_capacity(len));
        bytes.extend_from_slice(MAGIC);
        let flags = [
            (self.plain_ended, PLAIN_ENDED),
            (self.crypt_ended, CRYPT_ENDED),
            (self.exchange == KeyExchange::X25519, X25519),
            (self.end_mark == EndMark::Received, END_MARK_RECEIVED),
        ];
        let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum();
        bytes.extend_from_slice(&[VERSION, OLDEST_READER, flags, 0]);
        bytes.extend_from_slice(&self.psk_id);
        for position in [&self.sealing, &self.opening] {
            bytes.extend_from_slice(position.keys.cipher.expose());
            bytes.extend_from_slice(position.keys.mac.expose());
            bytes.extend_from_slice(&position.next.to_be_bytes());
        }
        #[allow(clippy::cast_possible_truncation, reason = "less than a packet")]
        bytes.extend_from_slice(&(self.partial.len() as u16).to_be_bytes());
        bytes.extend_from_slice(self.partial);
        bytes.extend_from_slice(APPENDED);
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// `None` unless these bytes are a suspended session of a version that this one
    /// reads, as [`to_bytes`](Self::to_bytes) makes it: protocol.md S-2, S-5.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (mut bytes, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
        if *checksum != self::checksum(bytes) || take(&mut bytes)? != MAGIC {
            return None;
        }
        let &[version, oldest_reader, flags, reserved] = take(&mut bytes)?;
        if version < OLDEST_READER || oldest_reader > VERSION || flags & !ALL_FLAGS != 0 {
            return None;
        }
        let psk_id = *take(&mut bytes)?;
        let [sealing, opening] = [take_position(&mut bytes)?, take_position(&mut bytes)?];
        let len = usize::from(u16::from_be_bytes(*take(&mut bytes)?));
        let (partial, later) = bytes.split_at_checked(len)?;
        if version == VERSION && !(reserved == 0 && later == APPENDED) {
            return None;
        }
        let is_set = |flag| flags & flag != 0;
        let (exchange, end_mark) = match (is_set(X25519), is_set(END_MARK_RECEIVED)) {
            (false, false) => (KeyExchange::Modp2048, EndMark::Unused),
            (false, true) => return None,
            (true, false) => (KeyExchange::X25519, EndMark::Expected),
            (true, true) => (KeyExchange::X25519, EndMark::Received),
        };
        // No session continues after an end that truncates something, or after bytes
        // that follow the end mark.
        let crypt_ended = is_set(CRYPT_ENDED);
        let truncated = crypt_ended && (end_mark == EndMark::Expected || !partial.is_empty());
        let data_after_end_mark = end_mark == EndMark::Received && !partial.is_empty();
        if partial.len() >= PACKET_LEN || truncated || data_after_end_mark {
            return None;
        }
        Some(Self {
            exchange,
            psk_id,
            plain_ended: is_set(PLAIN_ENDED),
            crypt_ended,
            sealing,
            opening,
            end_mark,
            partial,
        })
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.copy_from_slice(&hash[..CHECKSUM_LEN]);
    checksum
}

fn take_position(bytes: &mut &[u8]) -> Option<Position> {
    let cipher = Secret::copy_of(take(bytes)?);
    let mac = Secret::copy_of(take(bytes)?);
    let next = u64::from_be_bytes(*take(bytes)?);
    Some(Position { keys: DirectionKeys { cipher, mac }, next })
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}
