//! The key share: a public value and its MAC, 288 bytes.

use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::dh::{PUBLIC_VALUE_LEN, PublicValue};
use crate::error::PeerFault;
use crate::keys::{MAC_LEN, MacKey, hmac_sha256};
use crate::session::ForwardSecrecy;

/// Length of a key share on the wire, in bytes.
pub const KEY_SHARE_LEN: usize = PUBLIC_VALUE_LEN + MAC_LEN;

/// A received key share; nothing about it is known to be true.
pub(super) struct KeyShare<'a> {
    value: &'a [u8; PUBLIC_VALUE_LEN],
    mac: &'a [u8],
}

impl<'a> KeyShare<'a> {
    pub(super) fn new(bytes: &'a [u8; KEY_SHARE_LEN]) -> Self {
        let (value, mac) = bytes
            .split_first_chunk()
            .unwrap_or_else(|| unreachable!("a key share is longer than a public value"));
        Self { value, mac }
    }

    /// Whether the MAC verifies under `key`, in constant time.
    pub(super) fn verifies(&self, key: &MacKey) -> subtle::Choice {
        mac(key, self.value).ct_eq(self.mac)
    }

    /// The checks that follow the MAC's, in upstream's order.
    pub(super) fn public_value(
        &self,
        forward_secrecy: ForwardSecrecy,
    ) -> Result<PublicValue, PeerFault> {
        let value = PublicValue::parse(self.value).ok_or(PeerFault::PublicValueOutOfRange)?;
        if forward_secrecy == ForwardSecrecy::Require && value.is_degenerate() {
            return Err(PeerFault::NoForwardSecrecy);
        }
        Ok(value)
    }
}

/// The key share that announces `value`.
pub(super) fn seal(key: &MacKey, value: &PublicValue) -> [u8; KEY_SHARE_LEN] {
    let mut share = [0; KEY_SHARE_LEN];
    let bytes = value.to_bytes();
    share[..PUBLIC_VALUE_LEN].copy_from_slice(&bytes);
    share[PUBLIC_VALUE_LEN..].copy_from_slice(&mac(key, &bytes));
    share
}

fn mac(key: &MacKey, value: &[u8; PUBLIC_VALUE_LEN]) -> [u8; MAC_LEN] {
    hmac_sha256(key.expose(), &[value]).finalize().into_bytes().into()
}
