//! The server's states: `spiped -d`.

use alloc::vec::Vec;

use subtle::ConditionallySelectable;

use super::share::{self, KEY_SHARE_LEN, KeyShare};
use super::{Agree, Handshake, Local, Proven, Step};
use crate::dh::{Exponent, KeyExchange, PublicValue};
use crate::error::PeerFault;
use crate::inbound::Inbound;
use crate::keys::{NONCE_LEN, Nonces, Psk, key_share_key};
use crate::session::{ForwardSecrecy, Side};

/// Waits for the client's nonce.
pub(crate) struct ExpectNonce {
    local: Local,
    inbound: Inbound<NONCE_LEN>,
}

impl ExpectNonce {
    pub(super) fn new(local: Local) -> Self {
        Self { local, inbound: Inbound::new() }
    }

    pub(super) fn handle(mut self, bytes: &mut &[u8]) -> Handshake {
        let Some(&client) = self.inbound.fill(bytes) else {
            return Handshake::ServerExpectNonce(self);
        };
        let Local { forward_secrecy, exchange, psks, nonce, exponent, .. } = self.local;
        Handshake::ServerExpectKeyShare(ExpectKeyShare {
            forward_secrecy,
            expected: match exchange {
                Some(KeyExchange::Modp2048) => &[KeyExchange::Modp2048],
                Some(KeyExchange::X25519) => &[KeyExchange::X25519],
                None => &[KeyExchange::X25519, KeyExchange::Modp2048],
            },
            exponent,
            nonces: Nonces { client, server: nonce },
            psks,
            inbound: Inbound::new(),
        })
    }
}

/// Waits for the client's key share, which tells its key exchange and its
/// secret.
pub(crate) struct ExpectKeyShare {
    forward_secrecy: ForwardSecrecy,
    /// What the share may still be one of, the shortest first.
    expected: &'static [KeyExchange],
    exponent: Exponent,
    nonces: Nonces,
    psks: Vec<Psk>,
    inbound: Inbound<KEY_SHARE_LEN>,
}

impl ExpectKeyShare {
    pub(super) fn handle(
        mut self,
        bytes: &mut &[u8],
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        while let Some((&exchange, longer)) = self.expected.split_first() {
            let Some(share) = self.inbound.fill_to(share::len(exchange), bytes) else {
                return Ok(Step::Next(Handshake::ServerExpectKeyShare(self)));
            };
            let share = KeyShare::new(exchange, share);
            if let Some((secret, psk)) = find(&share, exchange, &self.psks, &self.nonces) {
                let peer = share.public_value(self.forward_secrecy)?;
                return Ok(self.admit(secret, psk, peer, to_crypt));
            }
            self.expected = longer;
        }
        Err(PeerFault::WrongKey)
    }

    /// The client holds the secret with this index.
    fn admit(self, secret: u32, psk: Psk, peer: PublicValue, to_crypt: &mut Vec<u8>) -> Step {
        let proven = Proven { side: Side::Server, psk, secret, nonces: self.nonces, peer };
        let omit = self.forward_secrecy == ForwardSecrecy::Omit;
        if omit && proven.exchange() == KeyExchange::Modp2048 {
            proven.seal_share(&PublicValue::ONE, to_crypt);
            Step::Done(proven.agree_without_exponent())
        } else {
            let state = MakeShare { proven, exponent: self.exponent };
            Step::Next(Handshake::ServerMakeShare(state))
        }
    }
}

/// The client has proven itself: our public value is due, and sent at once,
/// before the shared value is computed.
pub(crate) struct MakeShare {
    proven: Proven,
    exponent: Exponent,
}

impl MakeShare {
    pub(super) fn compute(self, to_crypt: &mut Vec<u8>) -> Handshake {
        let value = self.exponent.public_value(self.proven.exchange());
        self.proven.seal_share(&value, to_crypt);
        Handshake::Agree(Agree { proven: self.proven, exponent: self.exponent, value })
    }

    pub(super) fn proven(&self) -> &Proven {
        &self.proven
    }
}

impl Proven {
    /// Appends the key share with which we answer the client's.
    fn seal_share(&self, value: &PublicValue, to_crypt: &mut Vec<u8>) {
        let key = key_share_key(&self.psk, &self.nonces, self.exchange(), Side::Server);
        share::seal(&key, Some(&self.peer), value, to_crypt);
    }
}

/// The PSK under which the share verifies, and its index. All are tried, so
/// that the time tells nothing about which.
fn find(
    share: &KeyShare<'_>,
    exchange: KeyExchange,
    psks: &[Psk],
    nonces: &Nonces,
) -> Option<(u32, Psk)> {
    let mut found = u32::MAX;
    for (index, psk) in (0..).zip(psks) {
        let key = key_share_key(psk, nonces, exchange, Side::Client);
        found.conditional_assign(&index, share.verifies(&key, None));
    }
    let psk = psks.get(usize::try_from(found).ok()?)?;
    Some((found, psk.clone()))
}
