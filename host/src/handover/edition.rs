//! What distinguishes one build of the daemon from another, as far as an upgrade is
//! concerned. There is one for each program; tests have programs of their own.

use crate::guest::Precompiled;

/// What distinguishes one build of the daemon from another.
#[derive(Clone, Copy, Debug)]
pub struct Edition {
    /// Which forms of the hand-over it knows.
    pub formats: Formats,
    /// The component; `None`: the one that is part of the library. Only tests have
    /// another one.
    pub component: Option<Precompiled>,
    /// Told how far an upgrade has come, at either end.
    pub at: fn(Step),
}

/// Versions of the hand-over.
///
/// One that only adds fields or kinds of messages that an earlier reader can pass
/// over is the same version. A program writes the newest that its partner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The newest that it reads and writes.
    pub newest: u32,
    /// The oldest that it reads and writes: one before the newest, if there is one,
    /// so that a program can go back to the one it came from.
    pub oldest: u32,
}

/// How far an upgrade has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The daemon was asked for it.
    Asked,
    /// The daemon's successor has begun to run.
    Started,
    /// The daemon knows what the successor reads.
    Greeted,
    /// The daemon has said all but its connections.
    Listed,
    /// The successor has heard all of that.
    Heard,
    /// The successor has made all that serving takes.
    Made,
    /// The daemon has stopped a first connection between two batches.
    Stopped,
    /// The successor has resumed a first one.
    Resumed,
    /// The daemon has sent the last connection.
    Sent,
    /// The successor has all of them.
    Taken,
    /// The daemon can use none of them any more.
    Wiped,
    /// The daemon has said that they are the successor's.
    Committed,
    /// The successor has heard that.
    Entitled,
    /// The successor serves, and the pid file names it.
    Serving,
    /// The daemon knows that.
    Succeeded,
}

impl Edition {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self { formats: Formats::THIS, component: None, at: |_| () }
    }
}

impl Formats {
    /// Those of this program.
    pub const THIS: Self = Self { newest: 1, oldest: 1 };

    /// The one to speak with a partner that knows these; `None` if there is none.
    #[must_use]
    pub fn in_common_with(self, theirs: Self) -> Option<u32> {
        let newest = self.newest.min(theirs.newest);
        (newest >= self.oldest.max(theirs.oldest)).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_that_both_know_is_spoken() {
        let formats = |oldest, newest| Formats { newest, oldest };
        for (ours, theirs, spoken) in [
            (formats(1, 1), formats(1, 1), Some(1)),
            (formats(1, 1), formats(1, 2), Some(1)),
            (formats(2, 3), formats(1, 2), Some(2)),
            (formats(1, 1), formats(2, 3), None),
        ] {
            assert_eq!(ours.in_common_with(theirs), spoken);
            assert_eq!(theirs.in_common_with(ours), spoken);
        }
    }
}
