//! The limit on open files, raised to what the connections need. Raising the
//! hard limit takes privileges: do it before they are dropped.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many files may be open, after we tried to raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// `None`: any number.
    limit: Option<u64>,
    /// `None`: as many as possible.
    wanted: Option<u64>,
}

impl OpenFiles {
    /// Raises the limit to what `connections` at once need, or, without a
    /// limit on them, as far as it goes. Never lowers it. A refusal is no
    /// error: the outcome tells.
    #[must_use]
    pub fn raise_for(connections: Option<NonZeroUsize>) -> Self {
        let wanted = connections.map(files_for);
        for attempt in attempts(&getrlimit(Resource::Nofile), wanted) {
            if setrlimit(Resource::Nofile, attempt).is_ok() {
                break;
            }
        }
        Self { limit: getrlimit(Resource::Nofile).current, wanted }
    }

    /// The limit in force; `None`: any number.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How many connections at once it allows; `None`: any number.
    #[must_use]
    pub fn connections(&self) -> Option<usize> {
        let limit = self.limit?.saturating_sub(MARGIN) / FILES_PER_CONNECTION;
        usize::try_from(limit).ok()
    }

    /// Whether as many connections as asked for can be open. Without a limit
    /// on them there is nothing to compare with.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        match (self.limit, self.wanted) {
            (Some(limit), Some(wanted)) => limit >= wanted,
            (None, _) | (_, None) => true,
        }
    }
}

fn files_for(connections: NonZeroUsize) -> u64 {
    let connections = u64::try_from(connections.get()).unwrap_or(u64::MAX);
    connections.saturating_mul(FILES_PER_CONNECTION).saturating_add(MARGIN)
}

/// What to ask the kernel for, best first.
fn attempts(now: &Rlimit, wanted: Option<u64>) -> Vec<Rlimit> {
    let Some(soft) = now.current else {
        return Vec::new();
    };
    let to_hard = Rlimit { current: now.maximum, maximum: now.maximum };
    match (wanted, now.maximum) {
        (Some(wanted), _) if wanted <= soft => Vec::new(),
        (Some(wanted), hard) if hard.is_none_or(|hard| wanted <= hard) => {
            vec![Rlimit { current: Some(wanted), maximum: hard }]
        }
        (Some(wanted), _) => vec![Rlimit { current: Some(wanted), maximum: Some(wanted) }, to_hard],
        (None, _) => vec![to_hard],
    }
}

/// The source socket and the target socket.
const FILES_PER_CONNECTION: u64 = 2;
/// Listener, log, runtime, resolver, and sockets between accept and close.
const MARGIN: u64 = 64;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn enough_is_left_alone() {
        assert!(asked(Some(1024), Some(4096), Some(264)).is_empty());
        assert!(asked(None, None, None).is_empty());
    }

    #[test]
    fn soft_limit_is_raised_as_far_as_needed() {
        let expected = [(Some(2064), Some(4096))];
        assert_eq!(asked(Some(1024), Some(4096), Some(2064)), expected);
        assert_eq!(asked(Some(1024), None, Some(2064)), [(Some(2064), None)]);
    }

    #[test]
    fn hard_limit_is_tried_and_then_reached() {
        assert_eq!(
            asked(Some(1024), Some(4096), Some(9064)),
            [(Some(9064), Some(9064)), (Some(4096), Some(4096))]
        );
    }

    #[test]
    fn unlimited_connections_take_all_there_is() {
        assert_eq!(asked(Some(1024), Some(4096), None), [(Some(4096), Some(4096))]);
    }

    #[test]
    fn outcome_says_how_many_connections_fit() {
        let open_files = |limit, wanted| OpenFiles { limit, wanted };
        assert_eq!(open_files(Some(264), None).connections(), Some(100));
        assert_eq!(open_files(Some(10), None).connections(), Some(0));
        assert_eq!(open_files(None, None).connections(), None);
        assert!(open_files(Some(264), Some(264)).is_enough());
        assert!(!open_files(Some(263), Some(264)).is_enough());
        assert!(open_files(Some(263), None).is_enough());
    }

    #[test]
    fn raising_never_lowers() {
        let before = getrlimit(Resource::Nofile).current;
        let open_files = OpenFiles::raise_for(NonZeroUsize::new(1));
        assert!(open_files.is_enough());
        assert_eq!(open_files.limit(), before);
    }

    type Pair = (Option<u64>, Option<u64>);

    fn asked(current: Option<u64>, maximum: Option<u64>, wanted: Option<u64>) -> Vec<Pair> {
        attempts(&Rlimit { current, maximum }, wanted)
            .into_iter()
            .map(|limit| (limit.current, limit.maximum))
            .collect()
    }
}
