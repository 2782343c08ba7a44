//! The client's states: `spiped -e` and `spipe`.

use alloc::vec::Vec;

use super::share::{self, KEY_SHARE_LEN, KeyShare};
use super::{Agree, Handshake, Local, Proven, Step};
use crate::dh::{Exponent, KeyExchange, PublicValue};
use crate::error::PeerFault;
use crate::inbound::Inbound;
use crate::keys::{NONCE_LEN, Nonces, Psk, key_share_key};
use crate::session::{ForwardSecrecy, Side};

/// The first state: a client that omits forward secrecy has its share ready.
pub(super) fn begin(local: Local) -> Handshake {
    // `Session::new` saw to it that a client has chosen.
    let exchange = local.exchange.unwrap_or_else(|| unreachable!("a client has chosen"));
    if local.forward_secrecy == ForwardSecrecy::Omit {
        Handshake::ClientExpectNonce(ExpectNonce::new(local, PublicValue::ONE))
    } else {
        Handshake::ClientMakeShare(MakeShare { local, exchange })
    }
}

/// Our public value is due.
pub(crate) struct MakeShare {
    local: Local,
    exchange: KeyExchange,
}

impl MakeShare {
    pub(super) fn compute(self) -> Handshake {
        let value = self.local.exponent.public_value(self.exchange);
        Handshake::ClientExpectNonce(ExpectNonce::new(self.local, value))
    }

    pub(super) fn exchange(&self) -> KeyExchange {
        self.exchange
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
        let key = key_share_key(&psk, &nonces, self.value.exchange(), Side::Client);
        share::seal(&key, None, &self.value, to_crypt);
        Handshake::ClientExpectKeyShare(ExpectKeyShare {
            forward_secrecy,
            psk,
            exponent,
            value: self.value,
            nonces,
            inbound: Inbound::new(),
        })
    }

    pub(super) fn exchange(&self) -> KeyExchange {
        self.value.exchange()
    }
}

/// Waits for the server's key share.
pub(crate) struct ExpectKeyShare {
    forward_secrecy: ForwardSecrecy,
    psk: Psk,
    exponent: Exponent,
    /// Ours.
    value: PublicValue,
    nonces: Nonces,
    inbound: Inbound<KEY_SHARE_LEN>,
}

impl ExpectKeyShare {
    pub(super) fn handle(mut self, bytes: &mut &[u8]) -> Result<Step, PeerFault> {
        let exchange = self.exchange();
        let Some(share) = self.inbound.fill_to(share::len(exchange), bytes) else {
            return Ok(Step::Next(Handshake::ClientExpectKeyShare(self)));
        };
        let share = KeyShare::new(exchange, share);
        let key = key_share_key(&self.psk, &self.nonces, exchange, Side::Server);
        if !bool::from(share.verifies(&key, Some(&self.value))) {
            return Err(PeerFault::WrongKey);
        }
        let peer = share.public_value(self.forward_secrecy)?;
        let proven =
            Proven { side: Side::Client, psk: self.psk, secret: 0, nonces: self.nonces, peer };
        Ok(if self.forward_secrecy == ForwardSecrecy::Omit {
            Step::Done(proven.agree_without_exponent())
        } else {
            let agree = Agree { proven, exponent: self.exponent, value: self.value };
            Step::Next(Handshake::Agree(agree))
        })
    }

    pub(super) fn exchange(&self) -> KeyExchange {
        self.value.exchange()
    }
}
