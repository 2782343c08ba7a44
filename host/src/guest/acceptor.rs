//! The acceptor: one instance identifies any number of strangers.

use zeroize::Zeroizing;

use super::bindings::acceptor::{Authenticated, Verdict};
use super::instance::Guest;
use super::{Engine, Failure, GuestError, NONCE_LEN, PeerFault, ServerConfig, types};
use crate::keys::file::Psk;
use crate::packet_crypto::KeySearch;

/// The most bytes of a stranger that are kept: no hello is longer.
pub const HELLO_MAX: usize = 320;

/// An acceptor, inside its sandbox: it determines which key a stranger has, and keeps
/// nothing of it.
///
/// A trap, a call that does not return, or an impossible answer is a
/// [`Failure::Guest`], after which the acceptor has to be replaced. Any other failure
/// is a bug of ours.
pub struct AcceptorGuest {
    guest: Guest<types::Failure>,
    keys: usize,
}

impl AcceptorGuest {
    /// An acceptor for strangers that have one of `psks`. `search` is made of the same
    /// PSKs and shared by all acceptors that have them: [`search_of`](Self::search_of).
    ///
    /// # Errors
    /// When the pool is empty or the guest fails.
    pub fn new(
        engine: &Engine,
        config: ServerConfig,
        psks: &[Psk],
        search: &KeySearch,
    ) -> Result<Self, GuestError> {
        let secrets: Vec<_> = psks.iter().map(|psk| psk.expose().to_vec()).collect();
        let secrets = Zeroizing::new(secrets);
        let guest = Guest::new(engine, |store, instance| {
            store.data_mut().set_keys(search.clone());
            let api = instance.spiped_pipe_acceptor();
            api.acceptor().call_constructor(store, config, &secrets)
        })?;
        Ok(Self { guest, keys: psks.len() })
    }

    /// Prepares PSKs for searching.
    #[must_use]
    pub fn search_of(psks: &[Psk]) -> KeySearch {
        KeySearch::new(psks.iter().map(Psk::expose))
    }

    /// Looks up which key a stranger has that sent `received` in response to our nonce.
    /// The time does not depend on which key it has, or whether it has any: about a
    /// microsecond per key.
    ///
    /// Checks the verdict: the bytes asked for never exceed [`HELLO_MAX`] in total, an
    /// index is that of a key, and the hello is part of `received`.
    ///
    /// # Errors
    /// When the guest fails.
    pub fn identify(
        &mut self,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<Verdict, Failure> {
        let verdict = self.guest.call(|store, instance, acceptor| {
            let api = instance.spiped_pipe_acceptor();
            api.acceptor().call_identify(store, acceptor, our_nonce, received)
        })?;
        let verdict = verdict.map_err(|misuse| Failure::Protocol(misuse.into()))?;
        if is_possible(&verdict, received.len(), self.keys) {
            Ok(verdict)
        } else {
            Err(self.guest.fail(Failure::impossible()))
        }
    }

    /// The fault of a stranger that sent nothing more after `identify` had asked for
    /// more.
    ///
    /// # Errors
    /// When the guest fails.
    pub fn fault_at_eof(
        &mut self,
        our_nonce: &[u8; NONCE_LEN],
        received: &[u8],
    ) -> Result<PeerFault, Failure> {
        let fault = self.guest.call(|store, instance, acceptor| {
            let api = instance.spiped_pipe_acceptor();
            api.acceptor().call_fault_at_eof(store, acceptor, our_nonce, received)
        })?;
        fault.map_err(|misuse| Failure::Protocol(misuse.into()))
    }

    /// Whether it has failed and has to be replaced.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.guest.has_failed()
    }
}

/// Whether a working guest can return this for so many bytes.
fn is_possible(verdict: &Verdict, received: usize, keys: usize) -> bool {
    let fits = |number: u32, max: usize| usize::try_from(number).is_ok_and(|number| number <= max);
    match verdict {
        Verdict::More(more) => *more > 0 && fits(*more, HELLO_MAX.saturating_sub(received)),
        Verdict::Authenticated(Authenticated { psk_index, hello_len, key_exchange: _ }) => {
            keys.checked_sub(1).is_some_and(|last| fits(*psk_index, last))
                && *hello_len > 0
                && fits(*hello_len, received)
        }
        Verdict::Refused(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::KeyExchange;

    #[test]
    fn stranger_cannot_make_us_keep_more_than_a_hello() {
        let more = |more, received| is_possible(&Verdict::More(more), received, 1);
        assert!(more(320, 0) && more(1, 319) && more(224, 96));
        assert!(!more(321, 0) && !more(2, 319) && !more(1, 320) && !more(u32::MAX, 0));
        assert!(!more(0, 96), "it would be asked again and again");
    }

    #[test]
    fn authenticated_names_a_key_and_what_has_come() {
        let authenticated = |psk_index, hello_len, keys| {
            let key_exchange = KeyExchange::X25519;
            let verdict = Authenticated { psk_index, key_exchange, hello_len };
            is_possible(&Verdict::Authenticated(verdict), 320, keys)
        };
        assert!(authenticated(0, 96, 1) && authenticated(2, 320, 3));
        assert!(!authenticated(3, 96, 3) && !authenticated(u32::MAX, 96, 3));
        assert!(!authenticated(0, 0, 0), "there is no key");
        assert!(!authenticated(0, 321, 1) && !authenticated(0, u32::MAX, 1));
    }
}
