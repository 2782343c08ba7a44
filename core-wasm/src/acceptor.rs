//! The acceptor: which key does a stranger have?

use alloc::collections::BTreeSet;

use crate::config::{KeyExchange, ServerConfig};
use crate::error::{Misuse, PeerFault};
use crate::handshake::Hello;
use crate::handshake::hello;
use crate::key_search::{KeySearch, SoftKeySearch};
use crate::keys::{NONCE_LEN, Nonce, Psk, psk_id};
use crate::secret::wipe_stack;

/// Decides whether a stranger has one of our keys, before a server spends resources on
/// it.
///
/// The host sends its nonce, collects the bytes that the stranger sends, and calls
/// [`identify`](Self::identify). The acceptor keeps no state between calls, so one
/// acceptor serves any number of strangers.
pub struct Acceptor<K = SoftKeySearch> {
    config: ServerConfig,
    keys: K,
}

/// The result for the bytes received so far. It does not depend on how they were split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least this many more bytes are needed. The number depends on how many bytes
    /// have arrived, not on the keys or on what the bytes are.
    More(u32),
    /// The stranger has one of the keys.
    Authenticated(Authenticated),
    /// The stranger has none of the keys, or reflects our nonce.
    Refused(PeerFault),
}

/// A stranger that has one of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The index of its key in the list that the acceptor was made from.
    pub psk_index: u32,
    /// The key exchange that the client chose.
    pub key_exchange: KeyExchange,
    /// How many of the bytes are its hello; those after it belong to the session.
    pub hello_len: u32,
}

impl<K: KeySearch> Acceptor<K> {
    /// An acceptor for strangers that have any of `psks`. If there are none, all are
    /// refused.
    ///
    /// # Errors
    /// [`Misuse::DuplicatePsk`].
    pub fn new(config: ServerConfig, psks: &[Psk]) -> Result<Self, Misuse> {
        let differ = all_differ(psks);
        wipe_stack();
        if differ { Ok(Self { config, keys: K::new(psks) }) } else { Err(Misuse::DuplicatePsk) }
    }

    /// Looks up which key the stranger has that sent `received` in response to our
    /// nonce. The verdict depends on nothing else: protocol.md A-1.
    #[must_use]
    pub fn identify(&self, our_nonce: &Nonce, received: &[u8]) -> Verdict {
        // protocol.md R-3
        if received.first_chunk::<NONCE_LEN>() == Some(our_nonce) {
            return Verdict::Refused(PeerFault::Reflected);
        }
        let accepted = self.config.key_exchanges();
        // protocol.md. The shorter form first: a stranger that sends slowly
        // has it checked first as well, and a holder of a key can make bytes that are a
        // hello in both forms.
        for &exchange in accepted {
            if let Some(psk_index) = self.find(exchange, our_nonce, received) {
                return Verdict::Authenticated(Authenticated {
                    psk_index,
                    key_exchange: exchange,
                    hello_len: u32_of(hello::len(exchange)),
                });
            }
        }
        // protocol.md A-4
        let longer = accepted.iter().map(|&exchange| hello::len(exchange));
        match longer.filter_map(|len| len.checked_sub(received.len())).find(|&missing| missing > 0)
        {
            Some(missing) => Verdict::More(u32_of(missing)),
            None => Verdict::Refused(PeerFault::WrongKey),
        }
    }

    /// The fault of a stranger that sent nothing more after
    /// [`identify`](Self::identify) had asked for more.
    #[must_use]
    pub fn fault_at_eof(&self, our_nonce: &Nonce, received: &[u8]) -> PeerFault {
        // protocol.md A-7. This is the only point at which an honest client stops
        // before the verdict: it waits for the answer to its hello. A stream that ends
        // elsewhere is truncated: protocol.md H-8.
        let exchange = KeyExchange::X25519;
        if received.len() != hello::len(exchange) {
            PeerFault::TruncatedInHandshake
        } else if self.config.key_exchanges().contains(&exchange) {
            PeerFault::WrongKey
        } else if self.find(exchange, our_nonce, received).is_some() {
            PeerFault::KeyExchangeNotAccepted
        } else {
            PeerFault::TruncatedInHandshake
        }
    }

    /// The index of the key under which the first bytes are a hello of this exchange.
    fn find(&self, exchange: KeyExchange, our_nonce: &Nonce, received: &[u8]) -> Option<u32> {
        let hello = received.get(..hello::len(exchange))?;
        let hello = Hello::new(exchange, our_nonce, hello)?;
        self.keys.find(hello.salt().as_bytes(), hello.share.value, hello.share.mac)
    }
}

/// Not inlined, so that everything it leaves on the stack is below its caller.
#[inline(never)]
fn all_differ(psks: &[Psk]) -> bool {
    // protocol.md A-6. The time of sorting depends on the sorted values, so these are
    // identifiers and not the keys.
    let mut ids = BTreeSet::new();
    psks.iter().all(|psk| ids.insert(psk_id(psk)))
}

/// The length of a hello.
#[allow(clippy::cast_possible_truncation, reason = "at most 320")]
fn u32_of(len: usize) -> u32 {
    len as u32
}
