//! Daemons that have left the foreground.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::procfs::is_alive;
use crate::wait;

/// A daemon known by its pid file only. Its [`Lab`](crate::Lab) kills it on drop.
pub struct Background {
    pid: i32,
}

impl Background {
    /// The live process that the pid file names: a decimal number and nothing
    /// else, not even a newline.
    #[track_caller]
    pub fn from_pid_file(path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|e| panic!("reading the pid file {}: {e}", path.display()));
        let pid = text.parse();
        let pid = pid.unwrap_or_else(|e| panic!("a decimal number: {text:?}: {e}"));
        assert!(is_alive(pid), "no process {pid}");
        Self { pid }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub fn terminate(self) {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM).expect("signalling a daemon");
        self.wait();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&self) {
        wait::until("the daemon ended", || !is_alive(self.pid));
    }
}
