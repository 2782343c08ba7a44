//! The key share: a public value and its MAC.
//!
//! With X25519, the server's MAC covers the client's public value, too: the
//! share answers that one and no other.

use alloc::vec::Vec;

use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::dh::{KeyExchange, PUBLIC_VALUE_LEN, PublicValue};
use crate::error::PeerFault;
use crate::keys::{MAC_LEN, MacKey, hmac_sha256};
use crate::session::ForwardSecrecy;

/// Length of the longest key share on the wire, that of
/// [`KeyExchange::Modp2048`], in bytes.
pub const KEY_SHARE_LEN: usize = PUBLIC_VALUE_LEN + MAC_LEN;

/// Length of a key share on the wire, in bytes.
pub(super) const fn len(exchange: KeyExchange) -> usize {
    exchange.public_value_len() + MAC_LEN
}

/// A received key share; nothing about it is known to be true.
pub(super) struct KeyShare<'a> {
    exchange: KeyExchange,
    value: &'a [u8],
    mac: &'a [u8],
}

impl<'a> KeyShare<'a> {
    /// Takes a share of `exchange`, of which `bytes` has the length.
    pub(super) fn new(exchange: KeyExchange, bytes: &'a [u8]) -> Self {
        let (value, mac) = bytes.split_at(exchange.public_value_len());
        Self { exchange, value, mac }
    }

    /// Whether the MAC verifies under `key`, in constant time. `answered` is
    /// the public value that this share answers, if it is a server's.
    pub(super) fn verifies(&self, key: &MacKey, answered: Option<&PublicValue>) -> subtle::Choice {
        mac(key, answered, self.value).ct_eq(self.mac)
    }

    /// The checks that follow the MAC's, in upstream's order.
    pub(super) fn public_value(
        &self,
        forward_secrecy: ForwardSecrecy,
    ) -> Result<PublicValue, PeerFault> {
        let value = PublicValue::parse(self.exchange, self.value)?;
        if forward_secrecy == ForwardSecrecy::Require && value.is_degenerate() {
            return Err(PeerFault::NoForwardSecrecy);
        }
        Ok(value)
    }
}

/// Appends the key share that announces `value`, a server's as an answer to
/// the client's.
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

fn mac(key: &MacKey, answered: Option<&PublicValue>, value: &[u8]) -> [u8; MAC_LEN] {
    let mac = match answered {
        Some(PublicValue::X25519(answered)) => {
            hmac_sha256(key.expose(), &[answered.as_bytes(), value])
        }
        Some(PublicValue::Modp2048(_)) | None => hmac_sha256(key.expose(), &[value]),
    };
    mac.finalize().into_bytes().into()
}
