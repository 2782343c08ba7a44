//! A place where an administrator types.

use crate::{Exit, Process};

/// It runs scripts.
pub trait Shell {
    /// Starts a script and does not wait.
    #[track_caller]
    fn spawn(&self, script: &str) -> Process;

    /// Runs it.
    #[track_caller]
    fn sh(&self, script: &str) -> Exit {
        self.spawn(script).wait()
    }

    /// What it prints. It must succeed.
    #[track_caller]
    fn answer(&self, script: &str) -> String {
        self.sh(script).answer()
    }
}
