//! A suspended session as bytes: a version, then fields of fixed length.
//!
//! ```text
//! 0        version, 1
//! 1        ends: 1 = the plain side has ended, 2 = the crypt side has
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

use crate::keys::DirectionKeys;
use crate::packet::{PACKET_LEN, Position};
use crate::secret::Secret;

const VERSION: u8 = 1;
const PLAIN_ENDED: u8 = 1;
const CRYPT_ENDED: u8 = 2;

/// Everything an established session is made of.
pub(crate) struct Suspended<'a> {
    pub(crate) secret: u32,
    pub(crate) plain_ended: bool,
    pub(crate) crypt_ended: bool,
    pub(crate) sealing: Position,
    pub(crate) opening: Position,
    /// Less than a packet.
    pub(crate) cut: &'a [u8],
}

impl<'a> Suspended<'a> {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // All at once: a vector that grows leaves secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(150 + self.cut.len()));
        bytes.push(VERSION);
        let ends = [(self.plain_ended, PLAIN_ENDED), (self.crypt_ended, CRYPT_ENDED)];
        bytes.push(ends.iter().filter(|(ended, _)| *ended).map(|(_, bit)| bit).sum());
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
        let [version, ends] = take(&mut bytes)?;
        if version != VERSION || ends > PLAIN_ENDED | CRYPT_ENDED {
            return None;
        }
        let secret = u32::from_be_bytes(take(&mut bytes)?);
        let [sealing, opening] = [take_position(&mut bytes)?, take_position(&mut bytes)?];
        if bytes.len() >= PACKET_LEN {
            return None;
        }
        Some(Self {
            secret,
            plain_ended: ends & PLAIN_ENDED != 0,
            crypt_ended: ends & CRYPT_ENDED != 0,
            sealing,
            opening,
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
