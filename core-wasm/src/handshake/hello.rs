//! The hello: everything a client sends before it needs an answer, its nonce and its
//! key share.

use super::share::{self, KeyShare};
use crate::config::{ForwardSecrecy, KeyExchange, Side};
use crate::dh::PublicValue;
use crate::error::PeerFault;
use crate::keys::{NONCE_LEN, Nonce, Nonces, Psk, Salt, key_share_key, key_share_salt};

/// Length of a hello, in bytes.
pub(crate) const fn len(exchange: KeyExchange) -> usize {
    NONCE_LEN + share::len(exchange)
}

/// A received hello. Nothing of it has been verified.
pub(crate) struct Hello<'a> {
    pub(crate) exchange: KeyExchange,
    nonces: Nonces,
    pub(crate) share: KeyShare<'a>,
}

impl<'a> Hello<'a> {
    /// Interprets `bytes` as a hello of `exchange` in response to `our_nonce`. `None`
    /// unless it has the right length.
    pub(crate) fn new(exchange: KeyExchange, our_nonce: &Nonce, bytes: &'a [u8]) -> Option<Self> {
        let (&client, share) = bytes.split_first_chunk()?;
        let share = KeyShare::new(exchange, share)?;
        Some(Self { exchange, nonces: Nonces { client, server: *our_nonce }, share })
    }

    /// The message whose HMAC under the PSK is the key of the share's MAC.
    pub(crate) fn salt(&self) -> Salt {
        key_share_salt(&self.nonces, self.exchange, Side::Client)
    }

    pub(super) fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    /// The client's public value, after everything that can be checked has been checked
    /// again: protocol.md A-8.
    pub(super) fn check(
        &self,
        psk: &Psk,
        forward_secrecy: ForwardSecrecy,
    ) -> Result<PublicValue, PeerFault> {
        check_nonces(&self.nonces)?;
        let key = key_share_key(psk, &self.nonces, self.exchange, Side::Client);
        self.share.check(&key, None, forward_secrecy)
    }
}

/// Fails if the peer sent our own nonce: protocol.md R-3.
pub(crate) fn check_nonces(nonces: &Nonces) -> Result<(), PeerFault> {
    if nonces.client == nonces.server { Err(PeerFault::Reflected) } else { Ok(()) }
}
