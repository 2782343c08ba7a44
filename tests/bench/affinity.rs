//! Everything on one core, as on a machine that has no other.

use std::fs;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// For as long as it exists, this process and what it starts share one core.
pub(crate) struct OneCore {
    before: CpuSet,
}

impl OneCore {
    /// Moves all threads there. Processes that run already stay where they are.
    pub(crate) fn enter() -> Result<Self> {
        let before = sched_getaffinity(THIS).context("reading which cores there are")?;
        // The first one has most of the interrupts.
        let last = (0..CpuSet::count()).rev().find(|core| before.is_set(*core) == Ok(true));
        let mut one = CpuSet::new();
        one.set(last.context("no core")?)?;
        move_threads(&one)?;
        Ok(Self { before })
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        // What could be entered can be left.
        let _ = move_threads(&self.before);
    }
}

/// New threads are where the one is that makes them.
fn move_threads(cores: &CpuSet) -> Result<()> {
    for entry in fs::read_dir(THREADS).with_context(|| format!("reading {THREADS}"))? {
        let name = entry?.file_name();
        let thread = name.to_str().and_then(|name| name.parse().ok()).map(Pid::from_raw);
        match sched_setaffinity(thread.context("a thread without a number")?, cores) {
            // It has ended.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error).context("choosing a core"),
        }
    }
    Ok(())
}

/// The calling thread.
const THIS: Pid = Pid::from_raw(0);
const THREADS: &str = "/proc/self/task";

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_core_is_entered_and_left() {
        let all = sched_getaffinity(THIS).expect("this thread is there");
        let counted = || thread::available_parallelism().expect("a core").get();
        let before = counted();
        let inside = OneCore::enter().expect("the cores are ours");
        assert_eq!(counted(), 1);
        assert_eq!(thread::spawn(counted).join().ok(), Some(1));
        drop(inside);
        assert_eq!(counted(), before);
        assert_eq!(sched_getaffinity(THIS), Ok(all));
    }
}
