//! The key share: a public value and its MAC.
//!
//! With X25519, the server's MAC also covers the client's public value: the share
//! answers this value and no other.

use alloc::vec::Vec;

use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::config::{ForwardSecrecy, KeyExchange};
use crate::dh::{PUBLIC_VALUE_LEN, PublicValue};
use crate::error::PeerFault;
use crate::keys::{MAC_LEN, MacKey, hmac_sha256};

/// Length of the longest key share on the wire, that of
/// [`KeyExchange::Modp2048`], in bytes.
pub const KEY_SHARE_LEN: usize = PUBLIC_VALUE_LEN + MAC_LEN;

/// Length of a key share on the wire, in bytes.
pub(super) const fn len(exchange: KeyExchange) -> usize {
    exchange.public_value_len() + MAC_LEN
}

/// A received key share. Nothing of it has been verified.
pub(crate) struct KeyShare<'a> {
    exchange: KeyExchange,
    pub(crate) value: &'a [u8],
    pub(crate) mac: &'a [u8; MAC_LEN],
}

impl<'a> KeyShare<'a> {
    /// `None` unless `bytes` has the length of a share of `exchange`.
    pub(super) fn new(exchange: KeyExchange, bytes: &'a [u8]) -> Option<Self> {
        let (value, mac) = bytes.split_last_chunk()?;
        (value.len() == exchange.public_value_len()).then_some(Self { exchange, value, mac })
    }

    /// The public value, if it is authenticated under `key`, valid in its group, and
    /// acceptable to us, checked in upstream's order. `answered` is the public value
    /// that a server's share answers.
    pub(super) fn check(
        &self,
        key: &MacKey,
        answered: Option<&PublicValue>,
        forward_secrecy: ForwardSecrecy,
    ) -> Result<PublicValue, PeerFault> {
        // protocol.md H-9
        if !bool::from(mac(key, answered, self.value).ct_eq(self.mac)) {
            return Err(PeerFault::WrongKey);
        }
        let value = PublicValue::parse(self.exchange, self.value)?;
        // protocol.md H-11
        if forward_secrecy == ForwardSecrecy::Require && value.is_degenerate() {
            return Err(PeerFault::NoForwardSecrecy);
        }
        Ok(value)
    }
}

/// Appends the key share with `value`; a server's is an answer to the client's:
/// protocol.md H-1.
pub(super) fn seal(
    key: &MacKey,
    answered: Option<&PublicValue>,
    value: &PublicValue,
    to_crypt: &mut Vec<u8>,
) {
    let value = value.to_bytes();
    to_crypt.extend_from_slice(&value);
    to_crypt.extend_from_slice(&mac(key, answered, &value));
}

/// Fails if the peer sent our own value, by reflection or because it has the same
/// randomness. Two ends that both omit forward secrecy send the same value.
/// protocol.md R-4.
pub(super) fn check_reflection(ours: &PublicValue, theirs: &PublicValue) -> Result<(), PeerFault> {
    if ours == theirs && *ours != PublicValue::ONE { Err(PeerFault::Reflected) } else { Ok(()) }
}

fn mac(key: &MacKey, answered: Option<&PublicValue>, value: &[u8]) -> [u8; MAC_LEN] {
    let mac = match answered {
        Some(PublicValue::X25519(answered)) => {
            hmac_sha256(key.expose(), &[answered.as_bytes(), value])
        }
        Some(PublicValue::Modp2048(_)) | None => hmac_sha256(key.expose(), &[value]),
    };
    mac.finalize().into_bytes().into()
}
