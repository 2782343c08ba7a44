//! The server's states: `spiped -d`. They follow the acceptor's verdict.

use alloc::vec::Vec;

use super::hello::Hello;
use super::share::{self, check_reflection};
use super::{Agree, Authenticated, Handshake, Step};
use crate::config::{ForwardSecrecy, ServerConfig, Side};
use crate::dh::{Exponent, PublicValue};
use crate::error::PeerFault;
use crate::keys::{Psk, key_share_key};

/// The first state. A server that omits forward secrecy answers immediately.
pub(super) fn begin(
    config: ServerConfig,
    hello: &Hello<'_>,
    psk: Psk,
    exponent: Exponent,
    to_crypt: &mut Vec<u8>,
) -> Result<Step, PeerFault> {
    let forward_secrecy = config.forward_secrecy(hello.exchange);
    // protocol.md H-4
    let peer = hello.check(&psk, forward_secrecy)?;
    let authenticated = Authenticated { side: Side::Server, psk, nonces: *hello.nonces(), peer };
    Ok(if forward_secrecy == ForwardSecrecy::Omit {
        // protocol.md H-6
        authenticated.seal_share(&PublicValue::ONE, to_crypt);
        Step::Done(authenticated.agree_without_exponent())
    } else {
        Step::Next(Handshake::ServerMakeShare(MakeShare { authenticated, exponent }))
    })
}

/// The client has authenticated. Our public value is due; it is sent immediately,
/// before the shared value is computed: protocol.md H-4.
pub(crate) struct MakeShare {
    authenticated: Authenticated,
    exponent: Exponent,
}

impl MakeShare {
    pub(super) fn compute(self, to_crypt: &mut Vec<u8>) -> Result<Step, PeerFault> {
        let Self { authenticated, exponent } = self;
        let value = exponent.public_value(authenticated.exchange());
        check_reflection(&value, &authenticated.peer)?;
        authenticated.seal_share(&value, to_crypt);
        Ok(Step::Next(Handshake::Agree(Agree { authenticated, exponent, value })))
    }
}

impl Authenticated {
    /// Appends the key share with which we answer the client's.
    fn seal_share(&self, value: &PublicValue, to_crypt: &mut Vec<u8>) {
        let key = key_share_key(&self.psk, &self.nonces, self.exchange(), Side::Server);
        share::seal(&key, Some(&self.peer), value, to_crypt);
    }
}
