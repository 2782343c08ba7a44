//! The helper: a process that keeps the rights to read keys and to look up names
//! which the daemon gives up.
//!
//! It knows from the start where the keys are and what the targets are called; all
//! that can be asked of the helper of a command line is to read these keys again
//! and to look up these names again. With a file of settings, it knows where that
//! is: it reads the file again and all keys that are named there, looks up any
//! name, and binds new sources. Each question gets a process of its own (see
//! [`answering`]), so one that hangs in a file system or a name server delays no
//! other.
//!
//! ```text
//! daemon ── question, and a socket for its answer ──▶ helper
//!                                                       │ forks
//! daemon ◀──────────── answer ──────────────────── answering process
//! ```
//!
//! An answering process is shut in to what its question takes. One question is
//! different: to start the program that takes over from the daemon. What that is,
//! the helper knows from the start, too. See [`guardian`].

mod answering;
mod guardian;
mod messages;
mod program;
mod settings;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use nix::unistd::{ForkResult, fork};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, getpid, pidfd_open, waitid};
use rustix::thread::CapabilitySet;
use thiserror::Error;
use tokio::time::timeout;

pub(super) use self::guardian::Guardian;
pub(super) use self::messages::ReadKeys;
pub(super) use self::program::Program;
pub(super) use self::settings::{Received, Wanted};

use self::messages::{Answers, Question};
use crate::config::{FileWords, Parsed, TextFile};
use crate::daemon::gather::Held;
use crate::keys::{KeyRules, KeySource};
use crate::net::address::Address;
use crate::net::readable::readable;
use crate::net::resolve::Endpoint;
use crate::process::daemonize::is_alone;
use crate::process::pid_file::Made;
use crate::process::sandbox::Help;

/// How long an answer may take: an administrator waits for the first, nobody for
/// the second.
const READING_LIMIT: Duration = Duration::from_secs(10);
const LOOK_UP_LIMIT: Duration = Duration::from_mins(1);
const STARTING_LIMIT: Duration = Duration::from_secs(10);
const SETTINGS_LIMIT: Duration = Duration::from_mins(1);

/// The daemon's end.
#[derive(Debug)]
pub(super) struct Helper {
    socket: OwnedFd,
    /// What tells when it has ended; nothing on a kernel before 5.3.
    process: Option<OwnedFd>,
}

/// What the helper is there for.
#[derive(Debug)]
pub(super) struct Duties {
    /// What it answers.
    pub(super) answers: About,
    /// What it starts.
    pub(super) program: Program,
    /// What this takes of root's power, besides what answers take.
    pub(super) rights: CapabilitySet,
    /// What it takes back if nothing comes of this start.
    pub(super) pid_file: Option<Made>,
}

impl Duties {
    /// What it takes to answer.
    fn help(&self, question: Question) -> Help {
        // A file goes.
        if question == Question::PidFile { Help::ReadAndListen } else { self.answers.help() }
    }
}

/// What the helper is asked.
#[derive(Debug)]
pub(super) enum About {
    /// Of a command line.
    CommandLine {
        /// Where the keys are.
        keys: KeySource,
        /// What is demanded of them.
        rules: KeyRules,
        /// What is looked up again.
        names: Vec<Address>,
    },
    /// Of a file of settings.
    File {
        /// Which one.
        words: FileWords,
        /// Whose files are as good as ours, in what is demanded of keys.
        user: Option<u32>,
    },
}

impl About {
    fn help(&self) -> Help {
        match self {
            Self::CommandLine { .. } => Help::Read,
            Self::File { .. } => Help::ReadAndListen,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(super) enum HelperError {
    /// In the words of whoever tried.
    #[error("{0}")]
    Failed(String),
    /// All that is wrong, with its places.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    /// Nobody to ask.
    #[error(
        "There is no helper process that reads keys, looks up names and starts programs: restart spiped"
    )]
    Gone,
    /// Too many questions wait already.
    #[error("The helper process accepts no more requests: restart spiped")]
    Busy,
    /// It was asked.
    #[error("The helper process did not answer within {} s: try again", .0.as_secs())]
    Slow(Duration),
    /// It has ended in the middle of it, or was ended.
    #[error("The helper process has ended without an answer: restart spiped")]
    Silent,
    /// That is not how it talks.
    #[error("The helper process sent an invalid answer: restart spiped")]
    Malformed,
    /// It could not be asked.
    #[error("The helper process cannot be reached: restart spiped")]
    System(#[source] io::Error),
}

impl Helper {
    /// Forks it. Call it while there is one thread, while the process still has
    /// its rights, and when secrets are no longer inherited.
    ///
    /// # Errors
    /// When there can be no further process or descriptor.
    pub(super) fn start(duties: &Duties) -> io::Result<Self> {
        if !is_alone() {
            return Err(io::Error::other("other threads are running"));
        }
        let (ours, theirs) = pair()?;
        let daemon = getpid();
        // SAFETY: where the kernel shows our threads there is one, as counted
        // above, and nothing since could have started another; elsewhere the
        // caller answers for it. So the child may do whatever we could.
        #[allow(unsafe_code, reason = "fork has no safe form")]
        match unsafe { fork() }.map_err(io::Error::from)? {
            ForkResult::Parent { child } => {
                let process = Pid::from_raw(child.as_raw())
                    .and_then(|child| pidfd_open(child, PidfdFlags::empty()).ok());
                Ok(Self { socket: ours, process })
            }
            ForkResult::Child => answering::run(&theirs, daemon, duties),
        }
    }

    /// Has the keys of a command line read again.
    ///
    /// # Errors
    /// What is wrong with them, or why they could not be read.
    pub(super) async fn keys(&self) -> Result<ReadKeys, HelperError> {
        let say = |_: BorrowedFd<'_>| Ok(());
        self.ask(Question::Keys, READING_LIMIT, say, async |mut answers| answers.keys().await).await
    }

    /// Has an address looked up again, which is that of a pipe.
    ///
    /// # Errors
    /// The resolver's, or why it could not be asked.
    pub(super) async fn endpoints(&self, address: &Address) -> Result<Vec<Endpoint>, HelperError> {
        let text = address.text();
        let say = |socket: BorrowedFd<'_>| messages::send(socket, &[text.as_bytes()]);
        let receive = async |mut answers: Answers| answers.endpoints().await;
        self.ask(Question::Endpoints, LOOK_UP_LIMIT, say, receive).await
    }

    /// Has the file of settings read again, and everything made ready that its
    /// pipes need and the daemon does not have. Sources that are `held` are not
    /// bound again. `parse` understands the files.
    ///
    /// # Errors
    /// What is wrong with them, or why they could not be read.
    pub(super) async fn settings(
        &self,
        held: &Held,
        parse: impl AsyncFnOnce(Vec<TextFile>) -> Result<Parsed, HelperError>,
    ) -> Result<Wanted, HelperError> {
        let say = |socket: BorrowedFd<'_>| settings::send_held(socket, held);
        let receive = async |mut answers: Answers| answers.wanted(parse, held).await;
        self.ask(Question::Settings, SETTINGS_LIMIT, say, receive).await
    }

    /// Has the file of a Unix socket removed on which nobody listens any more.
    ///
    /// # Errors
    /// Why that was not possible.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), HelperError> {
        let say = |socket: BorrowedFd<'_>| messages::send(socket, &[path.as_os_str().as_bytes()]);
        self.ask(Question::Remove, READING_LIMIT, say, async |mut answers| {
            answers.body(settings::DONE).await.map(drop)
        })
        .await
    }

    /// Has the pid file taken back that was made at the start.
    ///
    /// # Errors
    /// Why that was not possible.
    pub(super) async fn take_back_pid_file(&self) -> Result<(), HelperError> {
        self.ask(
            Question::PidFile,
            READING_LIMIT,
            |_| Ok(()),
            async |mut answers| answers.body(settings::DONE).await.map(drop),
        )
        .await
    }

    /// Has the program started that takes over, with this `socket`.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) async fn upgrade(&self, socket: BorrowedFd<'_>) -> Result<Guardian, HelperError> {
        let say = |answers: BorrowedFd<'_>| {
            messages::send_descriptor(answers, guardian::HANDOVER, socket)
        };
        self.ask(Question::Upgrade, STARTING_LIMIT, say, Guardian::of).await
    }

    /// Asks, and says what the question is about.
    async fn ask<T>(
        &self,
        question: Question,
        limit: Duration,
        say: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
        receive: impl AsyncFnOnce(Answers) -> Result<T, HelperError>,
    ) -> Result<T, HelperError> {
        let (ours, theirs) = pair().map_err(HelperError::System)?;
        ioctl_fionbio(&ours, true).map_err(system)?;
        // First, while there is room for it: nobody has to be waited for.
        say(ours.as_fd()).map_err(HelperError::System)?;
        let answers = Answers::new(readable(ours).map_err(HelperError::System)?);
        self.send(question, &theirs)?;
        drop(theirs);
        timeout(limit, receive(answers)).await.unwrap_or(Err(HelperError::Slow(limit)))
    }

    /// Does not wait.
    fn send(&self, question: Question, answer_to: &OwnedFd) -> Result<(), HelperError> {
        let descriptors = [answer_to.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let byte = [question.byte()];
        match sendmsg(&self.socket, &[IoSlice::new(&byte)], &mut control, flags) {
            Ok(_) => Ok(()),
            Err(Errno::PIPE | Errno::CONNRESET) => Err(HelperError::Gone),
            Err(Errno::AGAIN) => Err(HelperError::Busy),
            Err(error) => Err(system(error)),
        }
    }

    /// Says it once, should the helper end. It does not before this process does,
    /// unless something is wrong.
    pub(super) async fn watch(&self) {
        let Some(process) = &self.process else { return };
        let Ok(watched) = process.try_clone().and_then(readable) else { return };
        if watched.readable().await.is_err() {
            return;
        }
        // So that it does not stay in the system's table.
        let status = waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED);
        let signal = status.ok().flatten().and_then(|status| status.terminating_signal());
        let by_signal = signal.map_or_else(String::new, |signal| format!(", by signal {signal}"));
        log::error!(
            "The helper process has ended{by_signal}. Keys and settings cannot be reloaded, names \
             are not looked up again, and no upgrade is possible: restart spiped"
        );
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    // Each message is one, whole; and the end of a process is the end of its
    // socket.
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

fn system(error: Errno) -> HelperError {
    HelperError::System(error.into())
}

#[cfg(test)]
mod tests;
