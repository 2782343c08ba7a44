//! A suspended session as bytes: a version, then fields of fixed length.
//!
//! ```text
//! 0        version, 1
//! 1        flags: 1 = the plain side has ended, 2 = the crypt side has,
//!          4 = X25519, with end marks, 8 = the peer's end mark has come
//! 2..6     index of the secret the peer holds
//! 6..78    sealing: cipher key (32), MAC key (32), next packet number (8)
//! 78..150  opening: the same
//! 150..    the beginning of a packet whose rest has not come
//! ```
//!
//! Integers are big-endian. All but the packet numbers and the beginning of a
//! packet is secret; the numbers must not be changed either, since a number
//! used twice gives two packets' difference away.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::dh::KeyExchange;
use crate::keys::DirectionKeys;
use crate::packet::{End, PACKET_LEN, Position};
use crate::secret::Secret;

const VERSION: u8 = 1;
const PLAIN_ENDED: u8 = 1;
const CRYPT_ENDED: u8 = 2;
const X25519: u8 = 4;
const END_MARKED: u8 = 8;

/// Everything an established session is made of.
pub(crate) struct Suspended<'a> {
    pub(crate) exchange: KeyExchange,
    pub(crate) secret: u32,
    pub(crate) plain_ended: bool,
    pub(crate) crypt_ended: bool,
    pub(crate) sealing: Position,
    pub(crate) opening: Position,
    pub(crate) end: End,
    /// Less than a packet.
    pub(crate) cut: &'a [u8],
}

impl<'a> Suspended<'a> {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // All at once: a vector that grows leaves secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(150 + self.cut.len()));
        bytes.push(VERSION);
        let flags = [
            (self.plain_ended, PLAIN_ENDED),
            (self.crypt_ended, CRYPT_ENDED),
            (self.exchange == KeyExchange::X25519, X25519),
            (self.end == End::Marked, END_MARKED),
        ];
        bytes.push(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum());
        bytes.extend_from_slice(&self.secret.to_be_bytes());
        for position in [&self.sealing, &self.opening] {
            bytes.extend_from_slice(position.keys.cipher.expose());
            bytes.extend_from_slice(position.keys.mac.expose());
            bytes.extend_from_slice(&position.next.to_be_bytes());
        }
        bytes.extend_from_slice(self.cut);
        bytes
    }

    /// `None` if these bytes are no suspended session of this version.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let [version, flags] = take(&mut bytes)?;
        if version != VERSION || flags > PLAIN_ENDED | CRYPT_ENDED | X25519 | END_MARKED {
            return None;
        }
        let is_set = |flag| flags & flag != 0;
        let crypt_ended = is_set(CRYPT_ENDED);
        let (exchange, end) = match (is_set(X25519), is_set(END_MARKED)) {
            (false, false) => (KeyExchange::Modp2048, End::Unmarked),
            (false, true) => return None,
            (true, false) => (KeyExchange::X25519, End::Expected),
            (true, true) => (KeyExchange::X25519, End::Marked),
        };
        let secret = u32::from_be_bytes(take(&mut bytes)?);
        let [sealing, opening] = [take_position(&mut bytes)?, take_position(&mut bytes)?];
        // No session goes on after an end that cuts something off, or after
        // bytes that follow the end mark.
        let cut_off = crypt_ended && (end == End::Expected || !bytes.is_empty());
        let data_after_end = end == End::Marked && !bytes.is_empty();
        if bytes.len() >= PACKET_LEN || cut_off || data_after_end {
            return None;
        }
        Some(Self {
            exchange,
            secret,
            plain_ended: is_set(PLAIN_ENDED),
            crypt_ended,
            sealing,
            opening,
            end,
            cut: bytes,
        })
    }
}

fn take_position(bytes: &mut &[u8]) -> Option<Position> {
    let cipher = Secret::new(take(bytes)?);
    let mac = Secret::new(take(bytes)?);
    let next = u64::from_be_bytes(take(bytes)?);
    Some(Position { keys: DirectionKeys { cipher, mac }, next })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
