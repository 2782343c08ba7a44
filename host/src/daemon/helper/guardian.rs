//! The guardian: the process that starts the new program, and watches it until it has
//! taken over.
//!
//! It is a child of the helper process, with the rights that this has kept, and the
//! parent of the new program. The program is started with those rights, and does what
//! every start does: it drops them when it has what it needs.
//!
//! ```text
//! daemon ── the socket for the hand-over ──▶ guardian
//!                                              │ forks, runs the program
//! daemon ◀───────── started, or why not ───── guardian
//! daemon ◀──────────── how it has ended ───── guardian ◀── the program ends
//! daemon ── release ───────────────────────▶ guardian ends: the program is on its own
//! daemon ── end of the socket ─────────────▶ guardian ends the program, unless it
//!                                            does so by itself
//! ```

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::{ForkResult, fork};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvFlags, recv};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, getpid, kill_process, pidfd_open,
    waitid,
};
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use super::HelperError;
use super::answering::{self, Inherited};
use super::messages::{self, Answers};
use super::program::Program;
use crate::net::readable::readable;
use crate::process::sandbox;

/// The socket for the hand-over comes with this.
pub(super) const HANDOVER: u8 = b'h';
const STARTED: u8 = 11;
const GUARDIAN: u8 = 12;
const RELEASE: u8 = b'r';
/// No message has this kind.
const NOTHING: u8 = 0xff;

/// A program that was started, as the daemon sees it. Dropping it ends the program.
pub(crate) struct Guardian {
    answers: Answers,
    /// Reports the exit of the guardian; `None` on a kernel before 5.3.
    process: Option<AsyncFd<OwnedFd>>,
    program: u32,
}

impl Guardian {
    /// Receives the answer of the helper process.
    pub(super) async fn of(mut answers: Answers) -> Result<Self, HelperError> {
        let program = answers.body(STARTED).await?;
        let program = program.try_into().map_err(|_| HelperError::Malformed)?;
        let process = answers.descriptor_if_any(GUARDIAN).await?;
        let process = process.and_then(|process| readable(process).ok());
        Ok(Self { answers, process, program: u32::from_le_bytes(program) })
    }

    /// The program's process id.
    #[must_use]
    pub(crate) fn program(&self) -> u32 {
        self.program
    }

    /// Resolves when the program has exited, with the reason. Dropping the future loses
    /// nothing.
    pub(crate) async fn ended(&mut self) -> String {
        self.last_words().await.unwrap_or_else(|| UNWATCHED.to_owned())
    }

    /// How the program has exited, if the guardian reports it; the guardian has exited
    /// then, too.
    async fn last_words(&mut self) -> Option<String> {
        // If the guardian has exited without reading our message, the first read
        // returns that error, and only the second its report.
        for _ in 0..2 {
            match self.answers.body(NOTHING).await {
                Err(HelperError::Failed(words)) => return Some(words),
                Err(HelperError::Silent) => {}
                Ok(_) | Err(_) => break,
            }
        }
        None
    }

    /// Ends the program. It has exited when this resolves.
    pub(crate) async fn end(self) {
        let Self { answers, process, .. } = self;
        drop(answers);
        if let Some(process) = process {
            let _ = timeout(GRACE + ENDING_LIMIT, process.readable()).await;
        }
    }

    /// Releases the program: when this resolves, init is its parent.
    ///
    /// # Errors
    /// When it has exited by then, with the reason; also when no one is left who would
    /// know.
    pub(crate) async fn release(mut self) -> Result<(), String> {
        let is_told = self.answers.say(RELEASE).is_ok();
        let ended = async {
            match self.last_words().await {
                Some(words) => return Err(words),
                None if !is_told => return Err(UNWATCHED.to_owned()),
                None => {}
            }
            // The guardian's sockets are closed slightly before its children are
            // reparented.
            if let Some(process) = &self.process {
                let _ = process.readable().await;
            }
            Ok(())
        };
        timeout(ENDING_LIMIT, ended).await.unwrap_or(Ok(()))
    }
}

/// The reason for a program whose guardian has exited.
const UNWATCHED: &str = "its state is not known any more";

/// How long the program may take to exit by itself.
const GRACE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(2);
/// How long an idle process may take to exit.
const ENDING_LIMIT: Duration = Duration::from_secs(1);

/// Runs the guardian, until the program is released or has exited.
pub(super) fn run(answer_to: &OwnedFd, program: &Program, inherited: &Inherited) -> io::Result<()> {
    let mut byte = [0];
    let handover = messages::receive_descriptor(answer_to, &mut byte)?;
    let handover = handover.filter(|_| byte[0] == HANDOVER).ok_or(io::ErrorKind::InvalidData)?;
    answering::close_all_but(&[answer_to.as_raw_fd(), handover.as_raw_fd()]);
    // So that the exit of the program is reported.
    answering::set_default(libc::SIGCHLD);
    let (mut failure, mut theirs) = io::pipe()?;
    // SAFETY: this process has had one thread since it was forked.
    #[allow(unsafe_code, reason = "fork has no safe form")]
    let child = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let Err(error) = become_program(program, &handover, inherited);
            // The pipe has room for it.
            let _ = theirs.write_all(error.to_string().as_bytes());
            process::exit(127)
        }
    };
    drop((theirs, handover));
    let child = Pid::from_raw(child.as_raw()).ok_or(Errno::SRCH)?;
    // The program's end of the pipe is closed when it is executed.
    let mut words = String::new();
    failure.read_to_string(&mut words)?;
    if !words.is_empty() {
        let path = program.path().display();
        let words = format!("Cannot start {path}: {words} (--program names another)");
        return messages::send_failure(answer_to.as_fd(), &words);
    }
    let socket = answer_to.as_fd();
    let told = messages::send(socket, &[&[STARTED], &child.as_raw_nonzero().get().to_le_bytes()]);
    let told = told.and_then(|()| match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(guardian) => messages::send_descriptor(socket, GUARDIAN, guardian.as_fd()),
        Err(_) => messages::send(socket, &[&[GUARDIAN]]),
    });
    if told.is_err() {
        return end(child);
    }
    watch(answer_to, child)
}

fn become_program(
    program: &Program,
    handover: &OwnedFd,
    inherited: &Inherited,
) -> io::Result<Infallible> {
    inherited.restore();
    sandbox::pass_rights_on()?;
    // Only the standard streams and this descriptor stay open: the program opens its
    // own socket for the system log.
    for descriptor in answering::descriptors() {
        answering::with(descriptor, |it| {
            // It may be closed by now, as that of the list itself is.
            let _ = fcntl_setfd(it, FdFlags::CLOEXEC);
        });
    }
    fcntl_setfd(handover, FdFlags::empty())?;
    program.run(handover.as_raw_fd())
}

/// Runs until the daemon releases the program or is gone, or the program has exited.
fn watch(answer_to: &OwnedFd, child: Pid) -> io::Result<()> {
    let pause = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let has_ended = || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        waitid(WaitId::Pid(child), options)
    };
    loop {
        if let Some(status) = has_ended()? {
            return messages::send_failure(answer_to.as_fd(), &words(&status));
        }
        match poll(&mut [PollFd::new(answer_to, PollFlags::IN)], Some(&pause)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return end(child),
        }
        let mut byte = [0];
        let said = recv(answer_to, &mut byte, RecvFlags::empty());
        if !matches!(said, Ok((1, _))) || byte[0] != RELEASE {
            return end(child);
        }
        // The daemon must not let go of its connections for a program that has exited,
        // so this is checked once more.
        return match has_ended()? {
            Some(status) => messages::send_failure(answer_to.as_fd(), &words(&status)),
            None => Ok(()),
        };
    }
}

/// Waits until the program has exited, because it is not wanted any more. It gets time
/// to remove what it has created; then it is killed.
fn end(child: Pid) -> io::Result<()> {
    let deadline = Instant::now() + GRACE;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    while Instant::now() < deadline {
        if waitid(WaitId::Pid(child), options)?.is_some() {
            return Ok(());
        }
        sleep(PAUSE);
    }
    if let Err(error) = kill_process(child, Signal::KILL) {
        log::error!(
            "Process {}, which should have taken over, cannot be ended: {error}",
            child.as_raw_nonzero()
        );
    }
    waitid(WaitId::Pid(child), WaitIdOptions::EXITED)?;
    Ok(())
}

fn words(status: &WaitIdStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("it has exited with status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it has ended".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
impl Guardian {
    /// One of a process that is none of the helper's, and the end that it speaks at.
    pub(crate) async fn of_test(program: u32) -> (Self, OwnedFd) {
        let (ours, theirs) = super::pair().unwrap();
        rustix::io::ioctl_fionbio(&ours, true).unwrap();
        messages::send(theirs.as_fd(), &[&[STARTED], &program.to_le_bytes()]).unwrap();
        messages::send(theirs.as_fd(), &[&[GUARDIAN]]).unwrap();
        let guardian = Self::of(Answers::new(readable(ours).unwrap())).await.unwrap();
        (guardian, theirs)
    }

    /// Says that the process has ended.
    pub(crate) fn tell_end(theirs: &OwnedFd, words: &str) {
        messages::send_failure(theirs.as_fd(), words).unwrap();
    }
}
