//! The client's states: `spiped -e` and `spipe`.

use alloc::vec::Vec;

use super::hello::check_nonces;
use super::share::{self, KEY_SHARE_LEN, KeyShare, check_reflection};
use super::{Agree, Authenticated, Handshake, Step};
use crate::config::{ClientConfig, ForwardSecrecy, KeyExchange, Side};
use crate::dh::{Exponent, PublicValue};
use crate::error::PeerFault;
use crate::inbound::Inbound;
use crate::keys::{NONCE_LEN, Nonce, Nonces, Psk, key_share_key};

/// The first state: a client that omits forward secrecy has its share ready.
pub(super) fn begin(config: ClientConfig, psk: Psk, nonce: Nonce, exponent: Exponent) -> Handshake {
    let forward_secrecy = match config {
        ClientConfig::Modp2048(forward_secrecy) => forward_secrecy,
        ClientConfig::X25519 => ForwardSecrecy::Offer,
    };
    let local = Local { forward_secrecy, psk, nonce, exponent };
    if forward_secrecy == ForwardSecrecy::Omit {
        // protocol.md H-6
        Handshake::ClientExpectNonce(ExpectNonce::new(local, PublicValue::ONE))
    } else {
        let exchange = config.key_exchange();
        Handshake::ClientMakeShare(MakeShare { local, exchange })
    }
}

/// What a client has before it receives anything.
struct Local {
    forward_secrecy: ForwardSecrecy,
    psk: Psk,
    nonce: Nonce,
    exponent: Exponent,
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
}

/// Waits for the server's nonce, then sends our key share, in the one form that
/// was chosen: protocol.md H-3.
pub(crate) struct ExpectNonce {
    local: Local,
    value: PublicValue,
    inbound: Inbound<NONCE_LEN>,
}

impl ExpectNonce {
    fn new(local: Local, value: PublicValue) -> Self {
        Self { local, value, inbound: Inbound::new() }
    }

    pub(super) fn handle(
        mut self,
        bytes: &mut &[u8],
        to_crypt: &mut Vec<u8>,
    ) -> Result<Step, PeerFault> {
        let Some(&server) = self.inbound.fill(bytes) else {
            return Ok(Step::Next(Handshake::ClientExpectNonce(self)));
        };
        let nonces = Nonces { client: self.local.nonce, server };
        check_nonces(&nonces)?;
        let key = key_share_key(&self.local.psk, &nonces, self.value.exchange(), Side::Client);
        share::seal(&key, None, &self.value, to_crypt);
        Ok(Step::Next(Handshake::ClientExpectKeyShare(ExpectKeyShare {
            local: self.local,
            value: self.value,
            nonces,
            inbound: Inbound::new(),
        })))
    }
}

/// Waits for the server's key share.
pub(crate) struct ExpectKeyShare {
    local: Local,
    /// Our public value.
    value: PublicValue,
    nonces: Nonces,
    inbound: Inbound<KEY_SHARE_LEN>,
}

impl ExpectKeyShare {
    pub(super) fn handle(mut self, bytes: &mut &[u8]) -> Result<Step, PeerFault> {
        let exchange = self.value.exchange();
        let share = self.inbound.fill_to(share::len(exchange), bytes);
        let Some(share) = share.and_then(|share| KeyShare::new(exchange, share)) else {
            return Ok(Step::Next(Handshake::ClientExpectKeyShare(self)));
        };
        let Local { forward_secrecy, psk, exponent, .. } = self.local;
        let key = key_share_key(&psk, &self.nonces, exchange, Side::Server);
        let peer = share.check(&key, Some(&self.value), forward_secrecy)?;
        check_reflection(&self.value, &peer)?;
        let authenticated = Authenticated { side: Side::Client, psk, nonces: self.nonces, peer };
        Ok(if forward_secrecy == ForwardSecrecy::Omit {
            Step::Done(authenticated.agree_without_exponent())
        } else {
            Step::Next(Handshake::Agree(Agree { authenticated, exponent, value: self.value }))
        })
    }
}
