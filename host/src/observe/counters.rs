//! What connections did, in numbers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The numbers of a pipe, or of one of its keys. Displayed, they are words of
/// the form `name=value`.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    open: AtomicUsize,
    sent: AtomicU64,
    received: AtomicU64,
    endings: [AtomicU64; ENDINGS.len()],
}

/// How a connection ended, as a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Both directions came to their ends.
    Closed,
    /// One of its sockets failed.
    Broken,
    /// What came from its peer was truncated, forged or corrupted.
    TruncatedOrForged,
    /// Its key was revoked.
    Revoked,
    /// Its peer does not hold an accepted key.
    WrongKey,
    /// Its handshake went wrong in another way.
    Handshake,
    /// Its handshake took too long.
    TimeLimit,
    /// Its key was revoked before it was established.
    RevokedKey,
    /// Its key has as many connections as a key may have.
    KeyLimit,
    /// Its target could not be reached.
    Target,
    /// The fault is ours.
    Internal,
}

/// All of them, in the order of their declaration, and their words.
const ENDINGS: [(Ending, &str); 11] = [
    (Ending::Closed, "closed"),
    (Ending::Broken, "broken"),
    (Ending::TruncatedOrForged, "truncated-or-forged"),
    (Ending::Revoked, "revoked"),
    (Ending::WrongKey, "refused-wrong-key"),
    (Ending::Handshake, "refused-handshake"),
    (Ending::TimeLimit, "refused-time-limit"),
    (Ending::RevokedKey, "refused-revoked-key"),
    (Ending::KeyLimit, "refused-key-limit"),
    (Ending::Target, "refused-target"),
    (Ending::Internal, "internal-fault"),
];

impl Ending {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ENDINGS[self as usize].1
    }
}

impl Counters {
    /// One more connection. Says whether it is open, which it is until
    /// [`close`](Self::close), unless as many as `limit` are already.
    pub fn open(&self, limit: Option<NonZeroUsize>) -> bool {
        self.accepted.fetch_add(1, Relaxed);
        let next = |open| limit.is_none_or(|limit| open < limit.get()).then_some(open + 1);
        self.open.fetch_update(Relaxed, Relaxed, next).is_ok()
    }

    /// One that was open is gone.
    pub fn close(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    /// Plaintext bytes went to the peer.
    pub fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Relaxed);
    }

    /// Plaintext bytes came from the peer.
    pub fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }

    /// A connection ended like this.
    pub fn ended(&self, ending: Ending) {
        self.endings[ending as usize].fetch_add(1, Relaxed);
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, open, sent, received, endings } = self;
        write!(f, "accepted={} open={}", accepted.load(Relaxed), open.load(Relaxed))?;
        write!(f, " sent={} received={}", sent.load(Relaxed), received.load(Relaxed))?;
        for ((_, word), count) in ENDINGS.iter().zip(endings) {
            write!(f, " {word}={}", count.load(Relaxed))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_word_in_its_place() {
        for (index, (ending, _)) in ENDINGS.iter().enumerate() {
            assert_eq!(*ending as usize, index);
        }
    }

    #[test]
    fn counts_come_out_as_words() {
        let counters = Counters::default();
        assert!(counters.open(None));
        assert!(counters.open(None));
        counters.close();
        counters.sent(10);
        counters.received(20);
        counters.ended(Ending::WrongKey);
        let text = counters.to_string();
        assert!(text.starts_with("accepted=2 open=1 sent=10 received=20 closed=0 "), "{text}");
        assert!(text.contains(" refused-wrong-key=1 "), "{text}");
    }

    #[test]
    fn limit_is_on_what_is_open() {
        let (counters, limit) = (Counters::default(), NonZeroUsize::new(2));
        assert!(counters.open(limit));
        assert!(counters.open(limit));
        assert!(!counters.open(limit));
        counters.close();
        assert!(counters.open(limit));
        assert!(counters.to_string().starts_with("accepted=4 open=2 "), "{counters}");
    }
}
