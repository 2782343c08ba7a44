//! The acceptor: who is there?

use alloc::collections::BTreeSet;

use crate::config::{KeyExchange, ServerConfig};
use crate::error::{Misuse, PeerFault};
use crate::handshake::Hello;
use crate::handshake::hello;
use crate::key_search::{KeySearch, SoftKeySearch};
use crate::keys::{NONCE_LEN, Nonce, Psk, psk_id};
use crate::secret::wipe_stack;

/// Decides what a stranger is, before a server spends anything on it.
///
/// The host sends its nonce, collects what the stranger sends, and asks
/// [`identify`](Self::identify). Nothing is kept between calls, so that one
/// acceptor serves any number of strangers.
pub struct Acceptor<K = SoftKeySearch> {
    config: ServerConfig,
    keys: K,
}

/// What the bytes so far come to. How they were split changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least this many more bytes are needed. It depends on the number of
    /// bytes that have come, not on the keys.
    More(u32),
    /// The stranger has one of the keys.
    Authenticated(Authenticated),
    /// It has none, or reflects our nonce.
    Refused(PeerFault),
}

/// A stranger that has one of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Which, as an index into the keys that the acceptor was given.
    pub psk_index: u32,
    /// The key exchange the client has chosen.
    pub key_exchange: KeyExchange,
    /// How many of the bytes make up its hello; those that follow belong to
    /// the session.
    pub hello_len: u32,
}

impl<K: KeySearch> Acceptor<K> {
    /// Accepts a stranger that has any of `psks`. Without any, all are refused.
    ///
    /// # Errors
    /// [`Misuse::DuplicatePsk`].
    pub fn new(config: ServerConfig, psks: &[Psk]) -> Result<Self, Misuse> {
        let differ = all_differ(psks);
        wipe_stack();
        if differ { Ok(Self { config, keys: K::new(psks) }) } else { Err(Misuse::DuplicatePsk) }
    }

    /// Who has `received` our nonce, and sent us this? The answer depends on
    /// nothing else: protocol.md A-1.
    #[must_use]
    pub fn identify(&self, our_nonce: &Nonce, received: &[u8]) -> Verdict {
        // protocol.md R-3
        if received.first_chunk::<NONCE_LEN>() == Some(our_nonce) {
            return Verdict::Refused(PeerFault::Reflected);
        }
        let accepted = self.config.key_exchanges();
        // protocol.md. The shorter form first, as with a stranger that
        // sends slowly: anyone with a key can make bytes that are both.
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

    /// What was wrong with a stranger that stopped here, after
    /// [`identify`](Self::identify) has asked for more.
    #[must_use]
    pub fn fault_at_eof(&self, our_nonce: &Nonce, received: &[u8]) -> PeerFault {
        // protocol.md A-7. The only place where an honest client stops before we
        // have a verdict: it waits for the answer to its hello. A stream that
        // ends elsewhere is truncated: protocol.md H-8.
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

    /// The key with which the first bytes are a hello of this exchange.
    fn find(&self, exchange: KeyExchange, our_nonce: &Nonce, received: &[u8]) -> Option<u32> {
        let hello = received.get(..hello::len(exchange))?;
        let hello = Hello::new(exchange, our_nonce, hello)?;
        self.keys.find(hello.salt().as_bytes(), hello.share.value, hello.share.mac)
    }
}

/// Not inlined: what it leaves on the stack must be below its caller.
#[inline(never)]
fn all_differ(psks: &[Psk]) -> bool {
    // protocol.md A-6. Sorting takes a time that depends on what is sorted:
    // not the keys.
    let mut ids = BTreeSet::new();
    psks.iter().all(|psk| ids.insert(psk_id(psk)))
}

/// A length of a hello.
#[allow(clippy::cast_possible_truncation, reason = "at most 320")]
fn u32_of(len: usize) -> u32 {
    len as u32
}
