//! Keeps the memory of the process out of core files and from other processes.

use std::fs;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core files, and debuggers except privileged ones. Call it before the first
/// secret is read, and again after a change of user, because the kernel may then
/// restore its default.
pub(crate) fn forbid() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let undumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // Linux cannot refuse either; elsewhere a refusal is logged.
    for error in [limited.err(), undumpable.err()].into_iter().flatten() {
        log::debug!("Cannot disable core files: {error}");
    }
}

/// The process that traces this one already, if it is visible.
pub(crate) fn tracer() -> Option<u32> {
    tracer_in(&fs::read_to_string("/proc/self/status").ok()?)
}

fn tracer_in(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
    line.trim().parse().ok().filter(|tracer| *tracer != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracer_is_the_one_that_the_kernel_names() {
        assert_eq!(tracer_in("Pid:\t7\nTracerPid:\t0\nUid:\t0\n"), None);
        assert_eq!(tracer_in("Pid:\t7\nTracerPid:\t4711\nUid:\t0\n"), Some(4711));
        assert_eq!(tracer_in(""), None);
    }
}
