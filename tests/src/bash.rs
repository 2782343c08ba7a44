//! A shell that keeps its state from one script to the next.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::process::read_whole;

/// `bash`, which runs scripts one by one. Killed on drop.
pub(crate) struct Bash {
    child: Child,
    /// A line for each script that has ended: its number and its status.
    ends: File,
    scripts: usize,
}

impl Bash {
    /// Starts it through a command; what its scripts print goes to `screen`.
    #[track_caller]
    pub(crate) fn start(mut command: Command, screen: impl Into<Stdio>) -> Self {
        let ends = tempfile::tempfile().unwrap();
        command.stdin(Stdio::piped()).stdout(screen).stderr(ends.try_clone().unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, ends, scripts: 0 }
    }

    /// Has it run a script and does not wait. `input` says where its input is from.
    #[track_caller]
    pub(crate) fn run(&mut self, script: &str, input: &str) {
        self.scripts += 1;
        let script = script.replace('\'', r"'\''");
        let line = format!("eval '{script}' {input} 2>&1; echo {} $? >&2\n", self.scripts);
        self.child.stdin.as_mut().expect("a pipe").write_all(line.as_bytes()).unwrap();
    }

    /// How the last script ended, if it has.
    pub(crate) fn status(&mut self) -> Option<Status> {
        if let Some(end) = self.child.try_wait().unwrap() {
            return Some(Status::Exited(end.code()));
        }
        let ends = read_whole(&self.ends);
        let ends = String::from_utf8_lossy(&ends);
        let (script, status) = ends.lines().last()?.split_once(' ')?;
        let is_last = script.parse() == Ok(self.scripts);
        is_last.then(|| Status::Went(status.parse().unwrap()))
    }
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// With this status.
    Went(i32),
    /// And with it the shell.
    Exited(Option<i32>),
}

impl Drop for Bash {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
