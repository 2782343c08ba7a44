//! What connections did, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use serde::{Serialize, Serializer};

use crate::observe::histogram::Histogram;

/// The numbers of a pipe.
#[derive(Debug, Default)]
pub struct PipeCounters {
    /// What its connections did.
    pub connections: Counters,
    /// Those that have not authenticated, and are listened to.
    pub strangers: Gauge,
    /// Those that wait for that.
    pub waiting: Gauge,
    /// Closed unheard, since `--allow` does not name their network.
    pub not_allowed: Count,
    /// Connections on which the sandbox failed.
    pub traps: Count,
    /// From the start of a connection to its session.
    pub handshakes: Histogram,
    /// From the first attempt to a connection to the target.
    pub dials: Histogram,
}

/// A number that grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one_more(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// So many more.
    pub fn more(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that grows and shrinks.
#[derive(Debug, Default)]
pub struct Gauge(AtomicUsize);

impl Gauge {
    /// One more.
    pub fn one_more(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less.
    pub fn one_less(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// So many.
    pub fn set(&self, count: usize) {
        self.0.store(count, Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn now(&self) -> usize {
        self.0.load(Relaxed)
    }
}

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

/// [`Counters`] at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Connections, as far as they are counted as such.
    pub accepted: u64,
    /// Those that have not ended.
    pub open: usize,
    /// Plaintext bytes to the peer.
    pub sent: u64,
    /// Plaintext bytes from the peer.
    pub received: u64,
    endings: [u64; ENDINGS.len()],
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
    /// It moved no byte for longer than it may.
    Idle,
    /// The same, after one of its directions had ended.
    HalfClosed,
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
    /// It was silent when others had something to say.
    Evicted,
    /// Its target could not be reached.
    Target,
    /// The administrator dropped it.
    Dropped,
    /// It did not end by itself in the time for that.
    Drained,
    /// The fault is ours.
    Internal,
}

/// All of them, in the order of their declaration, and their words.
const ENDINGS: [(Ending, &str); 16] = [
    (Ending::Closed, "closed"),
    (Ending::Broken, "broken"),
    (Ending::TruncatedOrForged, "truncated-or-forged"),
    (Ending::Revoked, "revoked"),
    (Ending::Idle, "idle"),
    (Ending::HalfClosed, "half-closed"),
    (Ending::WrongKey, "refused-wrong-key"),
    (Ending::Handshake, "refused-handshake"),
    (Ending::TimeLimit, "refused-time-limit"),
    (Ending::RevokedKey, "refused-revoked-key"),
    (Ending::KeyLimit, "refused-key-limit"),
    (Ending::Evicted, "refused-evicted"),
    (Ending::Target, "refused-target"),
    (Ending::Dropped, "dropped"),
    (Ending::Drained, "drained"),
    (Ending::Internal, "internal-fault"),
];

impl Ending {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        ENDINGS[self as usize].1
    }

    /// Why a connection was refused, in a word; nothing if it was established.
    #[must_use]
    pub fn refusal(self) -> Option<&'static str> {
        self.word().strip_prefix("refused-")
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

    /// One more open connection, which another process has counted when it accepted
    /// it.
    pub(crate) fn open_again(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    /// One that was open is gone.
    pub fn close(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    /// One more connection that ended like this before it was served.
    pub fn turned_away(&self, ending: Ending) {
        self.accepted.fetch_add(1, Relaxed);
        self.ended(ending);
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

impl Counters {
    /// As they are now.
    #[must_use]
    pub fn now(&self) -> Numbers {
        let Self { accepted, open, sent, received, endings } = self;
        Numbers {
            accepted: accepted.load(Relaxed),
            open: open.load(Relaxed),
            sent: sent.load(Relaxed),
            received: received.load(Relaxed),
            endings: endings.each_ref().map(|count| count.load(Relaxed)),
        }
    }

    /// Adds what another process has counted, by its words. Its open connections are
    /// none of it, and neither is what has a word that is not known.
    pub(crate) fn restore(&self, numbers: &BTreeMap<String, u64>) {
        let Self { accepted, open: _, sent, received, endings } = self;
        let first = [("accepted", accepted), ("sent", sent), ("received", received)];
        let endings = ENDINGS.iter().zip(endings).map(|((_, word), count)| (*word, count));
        for (word, count) in first.into_iter().chain(endings) {
            if let Some(more) = numbers.get(word) {
                count.fetch_add(*more, Relaxed);
            }
        }
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_now(&self) -> usize {
        self.open.load(Relaxed)
    }
}

impl Numbers {
    /// How many connections ended in each way.
    pub fn endings(&self) -> impl Iterator<Item = (Ending, u64)> {
        ENDINGS.iter().zip(self.endings).map(|((ending, _), count)| (*ending, count))
    }
}

impl AddAssign<&Self> for Numbers {
    fn add_assign(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.open += other.open;
        self.sent += other.sent;
        self.received += other.received;
        for (count, more) in self.endings.iter_mut().zip(other.endings) {
            *count += more;
        }
    }
}

impl Numbers {
    /// All of them, with their words.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { accepted, open, sent, received, endings: _ } = *self;
        let first =
            [("accepted", accepted), ("open", open as u64), ("sent", sent), ("received", received)];
        first.into_iter().chain(self.endings().map(|(ending, count)| (ending.word(), count)))
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (word, count)) in self.now().words().enumerate() {
            let separator = if number == 0 { "" } else { " " };
            write!(f, "{separator}{word}={count}")?;
        }
        Ok(())
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.words())
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
