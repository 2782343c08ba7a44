//! Puts the process into the background: one fork, and a parent that exits only when
//! the daemon reports that it works.
//!
//! The directory, the umask and the descriptors 0 to 2 stay as they are: relative paths
//! keep their meaning, and messages still reach the terminal. A daemon that has another
//! place for its messages closes the descriptors.

use std::fs::{self, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{ForkResult, fork, setsid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use thiserror::Error;

/// Forks. The child leads a new session, has written its process id to
/// `pid_file` (decimal, no newline), and comes back at once as
/// [`Daemonized::Daemon`] to go on with its start. The parent comes back at once,
/// too, as [`Daemonized::Launcher`]: it has copies of all that was in memory, so
/// it should first drop what is secret, then [wait](Launcher::wait).
///
/// Call it while the process has one thread: before a runtime, before
/// anything that may start one.
///
/// # Errors
///
/// [`DaemonizeError`], in the parent or in the child. The child's error makes
/// the parent's wait end with a failure.
pub(crate) fn daemonize(pid_file: &Path) -> Result<Daemonized, DaemonizeError> {
    if !is_alone() {
        return Err(DaemonizeError::Threads);
    }
    // SAFETY: where the kernel shows our threads there is one, as counted
    // above, and nothing since could have started another; elsewhere the
    // caller answers for it.
    #[allow(unsafe_code, reason = "fork has no safe form")]
    unsafe {
        fork_daemon(pid_file)
    }
}

/// Which of the two processes this is.
#[derive(Debug)]
pub(crate) enum Daemonized {
    /// The parent. All that is left to do is to wait and exit.
    Launcher(Launcher),
    /// The child.
    Daemon(Readiness),
}

/// The parent's end of the daemon's promise.
#[derive(Debug)]
#[must_use = "whoever ran the command waits for the daemon"]
pub(crate) struct Launcher(PipeReader);

impl Launcher {
    /// Waits until the daemon's start has succeeded or failed, and tells the
    /// code to exit with.
    #[must_use]
    pub(crate) fn wait(mut self) -> ExitCode {
        let mut word = [0; READY.len()];
        match self.0.read_exact(&mut word) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}

/// The daemon's promise to the waiting parent. Dropped without
/// [`ready`](Self::ready), or ended with its process, it makes the parent
/// fail; the daemon has then said why on the standard error that both share.
#[derive(Debug)]
#[must_use = "the parent fails unless it is told"]
pub(crate) struct Readiness(PipeWriter);

impl Readiness {
    /// Lets the parent exit with success.
    ///
    /// # Errors
    ///
    /// [`DaemonizeError::NoLauncher`] when the parent is gone: the user ended
    /// the command before the daemon was up.
    pub(crate) fn ready(mut self) -> Result<(), DaemonizeError> {
        self.0.write_all(READY).map_err(DaemonizeError::NoLauncher)
    }
}

/// Replaces standard input, output and error with `/dev/null`. A program that reads
/// them to their end, such as `ssh` or a shell's `$(...)`, would otherwise wait for the
/// daemon to exit. Without `/dev/null` nothing is done: a socket that got one of the
/// numbers would receive what is meant for a stream.
pub(crate) fn let_go_of_standard_streams() {
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        // On Linux it cannot fail: the three numbers are valid, and nothing is
        // waited for.
        let _ = dup2_stdin(&null).and(dup2_stdout(&null)).and(dup2_stderr(&null));
    }
}

/// Why the daemon is not in the background.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum DaemonizeError {
    /// A bug of the caller.
    #[error("Failed to daemonize: other threads are running")]
    Threads,
    /// No descriptors left.
    #[error("Failed to daemonize: cannot create a pipe")]
    Pipe(#[source] io::Error),
    /// No memory, or too many processes.
    #[error("Failed to daemonize: cannot fork")]
    Fork(#[source] Errno),
    /// The child cannot leave the terminal.
    #[error("Failed to daemonize: cannot start a session")]
    Session(#[source] Errno),
    /// The process id cannot be written.
    #[error("Failed to daemonize: cannot write pid file {} (-p names another)", .0.display())]
    PidFile(PathBuf, #[source] io::Error),
    /// The command that started the daemon has been ended.
    #[error("Failed to daemonize: the parent process has ended")]
    NoLauncher(#[source] io::Error),
}

/// Does what [`daemonize`] says, unchecked.
///
/// # Safety
///
/// After a fork the child may do everything its parent could only if no other
/// thread existed that could have been holding a lock or leaving data half
/// written. So there must be none, or they must be waiting with nothing of
/// that kind in hand.
#[allow(unsafe_code, reason = "fork has no safe form")]
unsafe fn fork_daemon(pid_file: &Path) -> Result<Daemonized, DaemonizeError> {
    let (reader, writer) = io::pipe().map_err(DaemonizeError::Pipe)?;
    // SAFETY: the caller's promise is what a fork needs.
    match unsafe { fork() }.map_err(DaemonizeError::Fork)? {
        ForkResult::Parent { .. } => {
            drop(writer);
            Ok(Daemonized::Launcher(Launcher(reader)))
        }
        ForkResult::Child => {
            drop(reader);
            setsid().map_err(DaemonizeError::Session)?;
            fs::write(pid_file, process::id().to_string())
                .map_err(|cause| DaemonizeError::PidFile(pid_file.to_owned(), cause))?;
            Ok(Daemonized::Daemon(Readiness(writer)))
        }
    }
}

/// Whether this process has one thread, as far as the kernel tells. A thread that
/// has ended is listed for a moment longer.
pub(crate) fn is_alone() -> bool {
    let mut attempts = 0..100;
    while thread_count().is_some_and(|count| count != 1) {
        if attempts.next().is_none() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// `None` where the kernel does not tell.
fn thread_count() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

/// Any byte will do.
const READY: &[u8] = b"+";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::env;
    use std::process::{Command, Output};

    use super::*;

    #[test]
    fn refused_while_other_threads_run() {
        thread::scope(|scope| {
            let (reader, writer) = io::pipe().unwrap();
            scope.spawn(move || Launcher(reader).wait());
            let refused = daemonize(Path::new("/nonexistent/pid"));
            assert!(matches!(refused, Err(DaemonizeError::Threads)));
            drop(writer);
        });
    }

    #[test]
    fn launcher_succeeds_when_the_daemon_is_ready() {
        let (output, pid) = launch("ready");
        assert!(output.status.success(), "{output:?}");
        assert!(pid.bytes().all(|byte| byte.is_ascii_digit()), "{pid}");
    }

    #[test]
    fn launcher_fails_when_the_daemon_drops_its_promise() {
        let (output, pid) = launch("drop");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!pid.is_empty());
    }

    #[test]
    fn launcher_fails_when_the_pid_file_cannot_be_written() {
        let (output, pid) = launch("no-pid-file");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(pid, "");
    }

    /// Runs this test program again to play a part below.
    fn launch(part: &str) -> (Output, String) {
        let name = format!("spiped-daemonize-{part}-{}", process::id());
        let pid_file = env::temp_dir().join(name);
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", PLAYER, "--nocapture", "--test-threads=1"])
            .env("DAEMONIZE_PART", part)
            .env("DAEMONIZE_PID_FILE", &pid_file)
            .output()
            .unwrap();
        let pid = fs::read_to_string(&pid_file).unwrap_or_default();
        let _ = fs::remove_file(&pid_file);
        (output, pid)
    }

    const PLAYER: &str = "process::daemonize::tests::player";

    /// Not a test by itself: the process that [`launch`] starts.
    #[test]
    fn player() {
        let Ok(part) = env::var("DAEMONIZE_PART") else {
            return;
        };
        let pid_file = match part.as_str() {
            "no-pid-file" => PathBuf::from("/nonexistent/pid"),
            _ => env::var_os("DAEMONIZE_PID_FILE").unwrap().into(),
        };
        // SAFETY: the test runner's first thread waits for this one, and no
        // other test was asked for.
        #[allow(unsafe_code, reason = "the runner's thread is harmless")]
        let daemonized = unsafe { fork_daemon(&pid_file) };
        let code = match daemonized {
            Ok(Daemonized::Launcher(launcher)) => i32::from(launcher.wait() != ExitCode::SUCCESS),
            Ok(Daemonized::Daemon(readiness)) if part == "ready" => {
                i32::from(readiness.ready().is_err())
            }
            Ok(Daemonized::Daemon(_)) => 3,
            Err(_) => 4,
        };
        process::exit(code);
    }
}
