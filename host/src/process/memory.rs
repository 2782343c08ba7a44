//! How much memory this process may use, by the user's setting and the system's limits.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::param::page_size;
use rustix::process::{Resource, getrlimit};

/// How much more memory this process may use, in bytes; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Address space, used or not (`RLIMIT_AS`, `RLIMIT_DATA`).
    pub space: Option<u64>,
    /// Memory in use (cgroup).
    pub used: Option<u64>,
}

impl Memory {
    /// How much more is available now. If the system reports no limit, there is none.
    #[must_use]
    pub(crate) fn left() -> Self {
        let taken = Taken::now();
        let left = |resource, taken: u64| {
            getrlimit(resource).current.map(|limit| limit.saturating_sub(taken))
        };
        let space = least(left(Resource::As, taken.space), left(Resource::Data, taken.data));
        let used = cgroup_limit().map(|limit| {
            // The kernel counts socket buffers, too.
            limit.saturating_sub(taken.used).saturating_sub(limit / 8)
        });
        Self { space, used }
    }

    /// Whether there is a limit on the address space.
    #[must_use]
    pub(crate) fn is_space_limited() -> bool {
        getrlimit(Resource::As).current.or(getrlimit(Resource::Data).current).is_some()
    }
}

/// The lesser of two limits.
#[must_use]
pub(crate) fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

/// In bytes.
#[derive(Default)]
struct Taken {
    space: u64,
    data: u64,
    used: u64,
}

impl Taken {
    fn now() -> Self {
        let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let mut pages = text.split_whitespace().map(|number| number.parse().unwrap_or(0));
        let mut bytes = || pages.next().unwrap_or(0_u64).saturating_mul(page_size() as u64);
        let (space, used) = (bytes(), bytes());
        let data = [bytes(), bytes(), bytes(), bytes()][3];
        Self { space, data, used }
    }
}

/// The narrowest limit of the control groups this process is in.
fn cgroup_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups
        .lines()
        .filter_map(group_files)
        .filter_map(|(root, group, file)| {
            let limits = Path::new(&group).ancestors().filter_map(|group| {
                let group = group.strip_prefix("/").unwrap_or(group);
                // "max", or a number that means the same.
                let text = fs::read_to_string(root.join(group).join(file)).ok()?;
                text.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)
            });
            limits.min()
        })
        .min()
}

/// The files with the limits of such a group: `0::/group` in the unified hierarchy,
/// `4:memory:/group` in the one before.
fn group_files(line: &str) -> Option<(PathBuf, String, &'static str)> {
    let mut fields = line.splitn(3, ':');
    let (number, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
    let (root, file) = if number == "0" && controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return None;
    };
    Some((root.into(), group.to_owned(), file))
}

/// More than any machine has.
const NO_LIMIT: u64 = 1 << 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_hierarchies_are_found() {
        let unified = group_files("0::/system.slice/spiped.service");
        let expected = ("/sys/fs/cgroup".into(), "/system.slice/spiped.service".to_owned());
        assert_eq!(unified, Some((expected.0, expected.1, "memory.max")));
        let earlier = group_files("4:memory:/a:b").map(|(_, group, file)| (group, file));
        assert_eq!(earlier, Some(("/a:b".to_owned(), "memory.limit_in_bytes")));
        assert_eq!(group_files("9:name=systemd:/"), None);
    }

    #[test]
    fn what_is_taken_is_known() {
        let taken = Taken::now();
        assert!(taken.space > taken.used && taken.used > 0 && taken.data > 0);
    }

    #[test]
    fn lesser_limit_counts() {
        assert_eq!(least(Some(3), Some(2)), Some(2));
        assert_eq!(least(None, Some(2)), Some(2));
        assert_eq!(least(None, None), None);
    }
}
