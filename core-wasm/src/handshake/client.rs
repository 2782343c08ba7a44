//! The client's states: `spiped -e` and `spipe`.

use alloc::vec::Vec;

use super::share::{self, KEY_SHARE_LEN, KeyShare};
use super::{Agree, Handshake, Local, Proven, Step};
use crate::dh::{Exponent, PublicValue};
use crate::error::PeerFault;
use crate::inbound::Inbound;
use crate::keys::{HandshakeKeys, MacKey, NONCE_LEN, Nonces, Psk};
use crate::session::{ForwardSecrecy, Side};

/// The first state: a client that omits forward secrecy has its share ready.
pub(super) fn begin(local: Local) -> Handshake {
    if local.forward_secrecy == ForwardSecrecy::Omit {
        Handshake::ClientExpectNonce(ExpectNonce::new(local, PublicValue::ONE))
    } else {
        Handshake::ClientMakeShare(MakeShare(local))
    }
}

/// Our public value is due.
pub(crate) struct MakeShare(Local);

impl MakeShare {
    pub(super) fn compute(self) -> Handshake {
        let value = self.0.exponent.public_value();
        Handshake::ClientExpectNonce(ExpectNonce::new(self.0, value))
    }
}

/// Waits for the server's nonce, then sends our key share.
pub(crate) struct ExpectNonce {
    local: Local,
    value: PublicValue,
    inbound: Inbound<NONCE_LEN>,
}

impl ExpectNonce {
    fn new(local: Local, value: PublicValue) -> Self {
        Self { local, value, inbound: Inbound::new() }
    }

    pub(super) fn handle(mut self, bytes: &mut &[u8], to_crypt: &mut Vec<u8>) -> Handshake {
        let Some(&server) = self.inbound.fill(bytes) else {
            return Handshake::ClientExpectNonce(self);
        };
        let Local { forward_secrecy, psks, nonce, exponent, .. } = self.local;
        let nonces = Nonces { client: nonce, server };
        // `Session::new` gave the client exactly one.
        let psk = psks.into_iter().next().unwrap_or_else(|| unreachable!("one secret"));
        let keys = HandshakeKeys::derive(&psk, &nonces);
        to_crypt.extend_from_slice(&share::seal(&keys.client, &self.value));
        Handshake::ClientExpectKeyShare(ExpectKeyShare {
            forward_secrecy,
            psk,
            exponent,
            nonces,
            server_mac: keys.server,
            inbound: Inbound::new(),
        })
    }
}

/// Waits for the server's key share.
pub(crate) struct ExpectKeyShare {
    forward_secrecy: ForwardSecrecy,
    psk: Psk,
    exponent: Exponent,
    nonces: Nonces,
    server_mac: MacKey,
    inbound: Inbound<KEY_SHARE_LEN>,
}

impl ExpectKeyShare {
    pub(super) fn handle(mut self, bytes: &mut &[u8]) -> Result<Step, PeerFault> {
        let Some(share) = self.inbound.fill(bytes) else {
            return Ok(Step::Next(Handshake::ClientExpectKeyShare(self)));
        };
        let share = KeyShare::new(share);
        if !bool::from(share.verifies(&self.server_mac)) {
            return Err(PeerFault::WrongKey);
        }
        let peer = share.public_value(self.forward_secrecy)?;
        let proven =
            Proven { side: Side::Client, psk: self.psk, secret: 0, nonces: self.nonces, peer };
        Ok(if self.forward_secrecy == ForwardSecrecy::Omit {
            Step::Done(proven.agree_without_exponent())
        } else {
            Step::Next(Handshake::Agree(Agree { proven, exponent: self.exponent }))
        })
    }
}
