//! The differences between two builds of the daemon that matter for an upgrade. Each
//! program has one edition; tests have programs with others.

use crate::guest::Precompiled;

/// What distinguishes one build of the daemon from another.
#[derive(Clone, Copy, Debug)]
pub struct Edition {
    /// The versions of the hand-over that it knows.
    pub formats: Formats,
    /// The component; `None`: the one in the library. Only tests have another one.
    pub component: Option<Precompiled>,
    /// Called at each step of an upgrade, at either end.
    pub at: fn(Step),
}

/// Versions of the hand-over.
///
/// Additional fields or kinds of messages that an earlier reader can ignore do not
/// change the version. A program writes the newest version that its partner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The newest version that it reads and writes.
    pub newest: u32,
    /// The oldest version that it reads and writes: the one before the newest, if there
    /// is one, so that a program can go back to its predecessor.
    pub oldest: u32,
}

/// The steps of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The daemon was asked for an upgrade.
    Asked,
    /// The successor is running.
    Started,
    /// The daemon knows which versions the successor reads.
    Greeted,
    /// The daemon has sent everything except its connections.
    Listed,
    /// The successor has received all of that.
    Heard,
    /// The successor has made everything that serving needs.
    Made,
    /// The daemon has stopped its first connection between two batches.
    Stopped,
    /// The successor has resumed its first connection.
    Resumed,
    /// The daemon has sent the last connection.
    Sent,
    /// The successor has all connections.
    Taken,
    /// The daemon has wiped all states.
    Wiped,
    /// The daemon has sent `Commit`.
    Committed,
    /// The successor has received `Commit`.
    Entitled,
    /// The successor serves, and the pid file names it.
    Serving,
    /// The daemon knows that the successor serves.
    Succeeded,
}

impl Edition {
    /// The edition of this program.
    #[must_use]
    pub fn this() -> Self {
        Self { formats: Formats::THIS, component: None, at: |_| () }
    }
}

impl Formats {
    /// The versions of this program.
    pub const THIS: Self = Self { newest: 1, oldest: 1 };

    /// The version to use with a partner that knows these; `None` if there is none in
    /// common.
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
