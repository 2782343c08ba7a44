//! Children that cannot outlive the test.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::{io, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// A child and what it printed. Killed on drop; if the test fails, its output
/// becomes part of the test's.
///
/// Output goes to unnamed files rather than pipes: when the child has ended,
/// all of it is there, even if a process it left behind keeps it open.
pub struct Process {
    child: Child,
    name: String,
    stdout: File,
    stderr: File,
}

/// How a child ended, and everything it printed.
#[derive(Debug)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// What it printed to standard output.
    pub stdout: Vec<u8>,
    /// What it printed to standard error.
    pub stderr: String,
}

impl Process {
    /// Starts `command` with both output streams captured.
    #[track_caller]
    pub fn spawn(mut command: Command) -> Self {
        let stdout = tempfile::tempfile().unwrap();
        command.stdout(stdout.try_clone().unwrap());
        Self::spawn_capturing_stderr(command, stdout)
    }

    /// Starts `command` with its standard input and output in our hands.
    #[track_caller]
    pub fn spawn_with_streams(mut command: Command) -> (Self, ChildStdin, ChildStdout) {
        command.stdin(Stdio::piped());
        let mut process = Self::spawn_writing_to(command, Stdio::piped());
        let stdin = process.child.stdin.take().unwrap();
        let stdout = process.child.stdout.take().unwrap();
        (process, stdin, stdout)
    }

    /// Starts `command` with its standard output going elsewhere.
    #[track_caller]
    pub fn spawn_writing_to(mut command: Command, stdout: impl Into<Stdio>) -> Self {
        command.stdout(stdout);
        Self::spawn_capturing_stderr(command, tempfile::tempfile().unwrap())
    }

    #[track_caller]
    fn spawn_capturing_stderr(mut command: Command, stdout: File) -> Self {
        let stderr = tempfile::tempfile().unwrap();
        command.stderr(stderr.try_clone().unwrap());
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("starting {}: {e}", command.get_program().display()));
        Self { child, name: format!("{command:?}"), stdout, stderr }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("signalling a child");
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it ends.
    #[track_caller]
    pub fn wait(&mut self) -> Exit {
        let status =
            wait::until_some(&format!("{} ended", self.name), || self.child.try_wait().unwrap());
        Exit { status, stdout: read_whole(&self.stdout), stderr: self.stderr() }
    }

    /// What it has printed to standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&read_whole(&self.stderr)).into_owned()
    }

    /// Waits until standard error contains `text`.
    #[track_caller]
    pub fn wait_for_stderr(&self, text: &str) {
        let what = format!("{text:?} was on the standard error of {}", self.name);
        wait::until(&what, || self.stderr().contains(text));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let status = self.child.wait();
        if thread::panicking() {
            self.show(&status);
        }
    }
}

impl Process {
    #[allow(clippy::print_stderr, reason = "part of a failed test's report")]
    fn show(&self, status: &io::Result<ExitStatus>) {
        eprintln!("--- {}\n--- {status:?}; standard error:", self.name);
        eprintln!("{}", self.stderr());
    }
}

impl Exit {
    /// The exit code; nothing if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Checks that it succeeded.
    #[track_caller]
    pub fn expect_success(&self) {
        assert_eq!(self.code(), Some(0), "{self:?}");
    }

    /// What it printed. It must have succeeded.
    #[track_caller]
    pub fn answer(self) -> String {
        self.expect_success();
        String::from_utf8(self.stdout).unwrap().trim_end().to_owned()
    }

    /// Checks for exit code 1 with `reason` on standard error.
    #[track_caller]
    pub fn expect_failure(&self, reason: &str) {
        assert_eq!(self.code(), Some(1), "{self:?}");
        assert!(self.stderr.contains(reason), "no {reason:?} in\n{}", self.stderr);
    }
}

/// Reads from the start, whatever the position the child shares with us.
pub(crate) fn read_whole(file: &File) -> Vec<u8> {
    struct FromStart<'a>(&'a File, u64);
    impl Read for FromStart<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read_at(buffer, self.1)?;
            self.1 += count as u64;
            Ok(count)
        }
    }
    let mut bytes = Vec::new();
    FromStart(file, 0).read_to_end(&mut bytes).unwrap();
    bytes
}
