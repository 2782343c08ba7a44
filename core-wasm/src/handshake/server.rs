//! The server's states: `spiped -d`.

use alloc::vec::Vec;

use subtle::ConditionallySelectable;

use super::share::{self, KEY_SHARE_LEN, KeyShare};
use super::{Agree, Handshake, Local, Proven, Step};
use crate::dh::{Exponent, PublicValue};
use crate::error::PeerFault;
use crate::inbound::Inbound;
use crate::keys::{HandshakeKeys, MacKey, NONCE_LEN, Nonces, Psk};
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
        let Local { forward_secrecy, psks, nonce, exponent, .. } = self.local;
        let nonces = Nonces { client, server: nonce };
        let candidates =
            psks.into_iter().map(|psk| (HandshakeKeys::derive(&psk, &nonces), psk)).collect();
        Handshake::ServerExpectKeyShare(ExpectKeyShare {
            forward_secrecy,
            exponent,
            nonces,
            candidates,
            inbound: Inbound::new(),
        })
    }
}

/// Waits for the client's key share, which tells its secret.
pub(crate) struct ExpectKeyShare {
    forward_secrecy: ForwardSecrecy,
    exponent: Exponent,
    nonces: Nonces,
    candidates: Vec<(HandshakeKeys, Psk)>,
    inbound: Inbound<KEY_SHARE_LEN>,
}

impl ExpectKeyShare {
    pub(super) fn handle(
        mut self,
        bytes: &mut &[u8],
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        let Some(share) = self.inbound.fill(bytes) else {
            return Ok(Step::Next(Handshake::ServerExpectKeyShare(self)));
        };
        let share = KeyShare::new(share);
        let (secret, position) = find(&share, &self.candidates).ok_or(PeerFault::WrongKey)?;
        let (keys, psk) = self.candidates.swap_remove(position);
        let peer = share.public_value(self.forward_secrecy)?;
        let proven = Proven { side: Side::Server, psk, secret, nonces: self.nonces, peer };
        Ok(if self.forward_secrecy == ForwardSecrecy::Omit {
            to_crypt.extend_from_slice(&share::seal(&keys.server, &PublicValue::ONE));
            Step::Done(proven.agree_without_exponent())
        } else {
            let state = MakeShare { proven, exponent: self.exponent, server_mac: keys.server };
            Step::Next(Handshake::ServerMakeShare(state))
        })
    }
}

/// The client has proven itself: our public value is due, and sent at once,
/// before the shared value is computed.
pub(crate) struct MakeShare {
    proven: Proven,
    exponent: Exponent,
    server_mac: MacKey,
}

impl MakeShare {
    pub(super) fn compute(self, to_crypt: &mut Vec<u8>) -> Handshake {
        let value = self.exponent.public_value();
        to_crypt.extend_from_slice(&share::seal(&self.server_mac, &value));
        Handshake::Agree(Agree { proven: self.proven, exponent: self.exponent })
    }

    pub(super) fn proven(&self) -> &Proven {
        &self.proven
    }
}

/// The index of the candidate under whose key the share verifies, and the same
/// as a position. All are tried, so that the time tells nothing about which.
fn find(share: &KeyShare<'_>, candidates: &[(HandshakeKeys, Psk)]) -> Option<(u32, usize)> {
    let mut found = u32::MAX;
    for (index, (keys, _)) in (0..).zip(candidates) {
        found.conditional_assign(&index, share.verifies(&keys.client));
    }
    let position = usize::try_from(found).ok().filter(|&position| position < candidates.len())?;
    Some((found, position))
}
