//! The limit on open files, raised to what is needed. Raising the hard limit
//! takes privileges: do it before they are dropped.

use std::fs::{self, DirEntry};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many more files can be opened, after we have tried to raise the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// `None`: any number.
    limit: Option<u64>,
    /// How many are open already.
    open: u64,
}

impl OpenFiles {
    /// Raises the limit so that `more` files can be opened, or, with `None`, as far as
    /// possible. Never lowers it. A refusal is not an error: the result shows it.
    #[must_use]
    pub(crate) fn raise_for(more: Option<u64>) -> Self {
        let now = getrlimit(Resource::Nofile);
        let open = count_open(now.current);
        let wanted = more.map(|more| more.saturating_add(open));
        for attempt in attempts(&now, wanted) {
            if setrlimit(Resource::Nofile, attempt).is_ok() {
                break;
            }
        }
        Self { limit: getrlimit(Resource::Nofile).current, open }
    }

    /// How many more can be open; `None`: any number.
    #[must_use]
    pub(crate) fn left(&self) -> Option<u64> {
        Some(self.limit?.saturating_sub(self.open))
    }
}

/// How many descriptors below the limit are open: an inherited descriptor with a larger
/// number does not use any of it.
fn count_open(limit: Option<u64>) -> u64 {
    let Ok(folder) = fs::read_dir("/proc/self/fd") else {
        return OPEN_AT_START;
    };
    let entries: Vec<_> = folder.flatten().collect();
    let counted = |entry: &&DirEntry| {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
        let is_below = number.zip(limit).is_none_or(|(number, limit)| number < limit);
        // The descriptor of the directory itself is closed by now.
        is_below && fs::symlink_metadata(entry.path()).is_ok()
    };
    entries.iter().filter(counted).count() as u64
}

/// The limits to request from the kernel, best first.
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

/// If the kernel does not report it: standard streams, source, log, and one more.
const OPEN_AT_START: u64 = 6;

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
    fn raising_never_lowers() {
        let before = getrlimit(Resource::Nofile).current;
        let open_files = OpenFiles::raise_for(Some(1));
        assert_eq!(open_files.limit, before);
        assert!(open_files.left() >= Some(1));
    }

    #[test]
    fn open_files_are_counted() {
        let counted = |limit| count_open(Some(limit));
        assert!(counted(u64::MAX) >= 3);
        assert_eq!(counted(3), 3);
        assert_eq!(counted(0), 0);
    }

    type Pair = (Option<u64>, Option<u64>);

    fn asked(current: Option<u64>, maximum: Option<u64>, wanted: Option<u64>) -> Vec<Pair> {
        attempts(&Rlimit { current, maximum }, wanted)
            .into_iter()
            .map(|limit| (limit.current, limit.maximum))
            .collect()
    }
}
