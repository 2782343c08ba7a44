//! The interface `acceptor`: one [`Acceptor`] behind each resource.

use alloc::vec::Vec;

use super::Component;
use super::bindings::exports::spiped::pipe::acceptor;
use super::types::psk;
use crate::{Acceptor, Authenticated, Misuse, Nonce, Verdict};

/// The key search of this world.
#[cfg(not(feature = "native"))]
type WorldKeySearch = crate::SoftKeySearch;
#[cfg(feature = "native")]
type WorldKeySearch = super::bindings::spiped::pipe::key_search::PskSet;

impl acceptor::Guest for Component {
    type Acceptor = AcceptorResource;
}

pub(crate) struct AcceptorResource(Acceptor<WorldKeySearch>);

impl acceptor::GuestAcceptor for AcceptorResource {
    fn new(config: acceptor::ServerConfig, psks: Vec<Vec<u8>>) -> Result<Self, acceptor::Misuse> {
        // All of them are converted, and so wiped, even if one of them is invalid.
        let psks = psks.into_iter().map(psk).collect::<Vec<_>>();
        let psks = psks.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Acceptor::new(config.into(), &psks)?))
    }

    fn identify(
        &self,
        our_nonce: Vec<u8>,
        received: Vec<u8>,
    ) -> Result<acceptor::Verdict, acceptor::Misuse> {
        Ok(self.0.identify(nonce(&our_nonce)?, &received).into())
    }

    fn fault_at_eof(
        &self,
        our_nonce: Vec<u8>,
        received: Vec<u8>,
    ) -> Result<acceptor::PeerFault, acceptor::Misuse> {
        Ok(self.0.fault_at_eof(nonce(&our_nonce)?, &received).into())
    }
}

/// Converts a nonce argument.
pub(super) fn nonce(bytes: &[u8]) -> Result<&Nonce, Misuse> {
    bytes.try_into().map_err(|_| Misuse::NonceLength)
}

impl From<Verdict> for acceptor::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::More(missing) => Self::More(missing),
            Verdict::Authenticated(Authenticated { psk_index, key_exchange, hello_len }) => {
                Self::Authenticated(acceptor::Authenticated {
                    psk_index,
                    key_exchange: key_exchange.into(),
                    hello_len,
                })
            }
            Verdict::Refused(fault) => Self::Refused(fault.into()),
        }
    }
}
