//! The side of an upgrade that takes over: see [`handover`](crate::handover).
//!
//! The new process is told by its environment that there is a daemon whose place it
//! is to take. It hears what that has, and then starts as any daemon does: what was
//! handed over is one more source of sockets, keys and names. When it could serve,
//! it receives the connections and waits for `Commit`; until then it has changed
//! nothing that the daemon needs, and says nothing in the log.

mod handed_over;
mod receiving;
mod succession;

use std::env;
use std::ffi::OsString;
use std::io;
use std::mem;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketType, sockopt};
use thiserror::Error;

pub(super) use self::handed_over::HandedOver;
pub(super) use self::succession::Succession;

use self::handed_over::KeysOfPipe;
use self::receiving::Receiving;
use crate::handover::VARIABLE;
use crate::handover::channel::{Channel, ChannelError, Line};
use crate::handover::edition::{Edition, Step};
use crate::handover::messages::Message;
use crate::process::dumps;

/// The daemon that this process is to replace.
#[derive(Debug)]
pub(crate) struct Predecessor {
    line: Line,
    pid: Option<u32>,
    edition: Edition,
    handed_over: HandedOver,
}

/// Why there is no daemon to replace.
#[derive(Debug, Error)]
pub(crate) enum Unheard {
    /// The descriptor in the environment is not a hand-over.
    #[error(
        "SPIPED_HANDOVER={} is not the socket of a daemon that hands over: unset it, and use \
         spiped upgrade",
        .0.display()
    )]
    Nobody(OsString),
    /// A tracer could read all keys.
    #[error("Process {0} traces the new process and could read all keys: end process {0}")]
    Traced(u32),
    /// The hand-over failed.
    #[error("Cannot take over from the running daemon: {0}")]
    Channel(#[from] ChannelError),
}

impl Predecessor {
    /// Checks whether a daemon hands over to this process, and greets it. Call it once,
    /// while there is one thread.
    ///
    /// # Errors
    /// When the environment names a descriptor, but no daemon is there.
    pub(crate) fn from_environment(edition: &Edition) -> Result<Option<Self>, Unheard> {
        let Some(text) = env::var_os(VARIABLE) else { return Ok(None) };
        // SAFETY: there is one thread, so no other one reads the environment at the
        // same time.
        #[allow(unsafe_code, reason = "the environment belongs to all threads")]
        unsafe {
            env::remove_var(VARIABLE);
        }
        let number = text.to_str().and_then(|text| text.parse().ok());
        let socket = number.and_then(take).ok_or(Unheard::Nobody(text))?;
        // Keys will be received, so dumps and tracers are forbidden first; a process
        // that traces this one already can be detected.
        dumps::forbid();
        (edition.at)(Step::Started);
        let pid = sockopt::socket_peercred(&socket).ok();
        let pid = pid.and_then(|peer| peer.pid.as_raw_nonzero().get().try_into().ok());
        let line = Line::new(socket);
        if let Some(tracer) = dumps::tracer() {
            let error = Unheard::Traced(tracer);
            let _ = line.send(&Message::Fault { said: vec![error.to_string()] });
            return Err(error);
        }
        line.send(&Message::Hello {
            newest: edition.formats.newest,
            oldest: edition.formats.oldest,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
        })?;
        Ok(Some(Self { line, pid, edition: *edition, handed_over: HandedOver::default() }))
    }

    /// Receives everything except the connections.
    ///
    /// # Errors
    /// When the daemon gives up, takes too long, or sends something malformed.
    pub(crate) fn hear(&mut self) -> Result<(), Unheard> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ChannelError::Io(io::ErrorKind::TimedOut.into()).into());
            }
            let received = self.line.receive(left)?;
            if self.handed_over.add(received)? {
                (self.edition.at)(Step::Heard);
                return Ok(());
            }
        }
    }

    /// Sends the reasons why this process cannot take over. The daemon passes them on
    /// to whoever has asked for the upgrade.
    #[must_use]
    pub(crate) fn refuse(&self, said: Vec<String>) -> ExitCode {
        for line in &said {
            log::debug!("{line}");
        }
        // The daemon may have exited, which is not an error here.
        let _ = self.line.send(&Message::Fault { said });
        ExitCode::FAILURE
    }

    /// Takes what it has handed over.
    pub(super) fn take(&mut self) -> HandedOver {
        mem::take(&mut self.handed_over)
    }

    /// Its process id.
    fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// A second handle of this end, for this thread's event loop.
    ///
    /// # Errors
    /// When the system is short of descriptors.
    fn channel(&self) -> io::Result<Channel> {
        Channel::new(self.line.another()?)
    }

    fn edition(&self) -> Edition {
        self.edition
    }
}

/// The socket with this number, if it is one that a daemon makes for that.
fn take(number: RawFd) -> Option<OwnedFd> {
    // The standard streams are never a hand-over.
    if number <= 2 {
        return None;
    }
    // SAFETY: it is only looked at. Where nothing has this number, that is an error;
    // and nothing else of this program, which has just begun, closes it.
    #[allow(unsafe_code, reason = "a descriptor known by its number")]
    let found = unsafe { BorrowedFd::borrow_raw(number) };
    let is_one = sockopt::socket_domain(found).is_ok_and(|it| it == AddressFamily::UNIX)
        && sockopt::socket_type(found).is_ok_and(|it| it == SocketType::SEQPACKET);
    if !is_one
        || fcntl_setfd(found, FdFlags::CLOEXEC).is_err()
        || ioctl_fionbio(found, true).is_err()
    {
        return None;
    }
    // SAFETY: the daemon has opened it for this process, as the environment says,
    // and this is called once; nothing else of the program takes descriptors by
    // their number but for those of `LISTEN_FDS`, which a successor is not given.
    #[allow(unsafe_code, reason = "a descriptor known by its number")]
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// How long looking up names may take: less than the daemon waits for a message.
pub(super) const LOOK_UPS_LIMIT: Duration = Duration::from_secs(8);

/// How long the daemon may take to send everything: it has nothing else to wait for,
/// and this process has all the rights of a start.
const PATIENCE: Duration = Duration::from_secs(10);
