//! Messages between the two processes, over a pair of Unix sockets that preserve
//! datagrams.
//!
//! A datagram is a byte and its content: `i` and the line of JSON, or `m` and the
//! length of that line, as four bytes in little-endian order. In the second case, the
//! first descriptor is a memfd with the line and then the secrets: secret or long data
//! does not pass through the socket's buffers. The memfd has its final size when it is
//! sent. It can still be written to, so that the reader can wipe it; a reader copies it
//! once and checks the copy.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::{Errno, pread, pwrite};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
    recvmsg, sendmsg, shutdown, socketpair,
};
use thiserror::Error;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::messages::Message;
use crate::process::secrets::Locked;

/// How many descriptors can accompany a message: those of a source's sockets.
pub(crate) const DESCRIPTORS_MAX: usize = 128;

/// A longer line is sent in a memfd.
const INLINE_MAX: usize = 16 * 1024;
/// More than the largest message has.
const MEMORY_MAX: usize = 16 * 1024 * 1024;

const INLINE: u8 = b'i';
const MEMORY: u8 = b'm';

/// The seals of a memfd that is sent: its size is fixed.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// The bytes of the datagram before a line, or in its place.
const HEAD_LEN: usize = 5;

/// A received message.
#[derive(Debug)]
pub(crate) struct Received {
    /// The message.
    pub message: Message,
    /// Its descriptors.
    pub descriptors: Vec<OwnedFd>,
    /// Its secrets.
    pub secrets: Locked,
}

/// Why no message was sent or received.
#[derive(Debug, Error)]
pub(crate) enum ChannelError {
    /// The other process has closed its end, or has exited.
    #[error("the other process has gone")]
    Gone,
    /// The other process did not read or answer in time.
    #[error("the other process has not answered within {} s", .0.as_secs())]
    Slow(Duration),
    /// There were too few free descriptors.
    #[error("the limit on open files is reached (LimitNOFILE=, ulimit -n)")]
    Descriptors,
    /// The message is malformed.
    #[error("the other process sent an invalid message")]
    Malformed,
    /// An error of the system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Errno> for ChannelError {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// A channel: its two ends.
///
/// # Errors
/// When the system is short of descriptors.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// One end, watched by an event loop. It can be used from any thread.
#[derive(Debug)]
pub(crate) struct Channel(AsyncFd<OwnedFd>);

impl Channel {
    /// Has this thread's event loop watch it.
    ///
    /// # Errors
    /// When the event loop cannot.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        // SAFETY: a descriptor that is owned is open and stays the same, and it is
        // closed only after the loop no longer watches it.
        #[allow(unsafe_code, reason = "an owned descriptor is what it asks for")]
        let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
        Ok(Self(watched?))
    }

    /// Sends a message as soon as there is room.
    ///
    /// # Errors
    /// When the other end is gone, or the system is short of resources.
    pub(crate) async fn send(
        &self,
        message: &Message,
        descriptors: &[BorrowedFd<'_>],
        secrets: &[&[u8]],
    ) -> Result<(), ChannelError> {
        let datagram = Datagram::of(message, secrets)?;
        loop {
            let sent = self.0.async_io(Interest::WRITABLE, |socket| {
                datagram.send(socket.as_fd(), descriptors).map_err(io::Error::from)
            });
            match sent.await {
                Err(error) if is_full(&error) => tokio::time::sleep(PAUSE).await,
                sent => {
                    sent.map_err(gone)?;
                    datagram.passed_on();
                    return Ok(());
                }
            }
        }
    }

    /// The next message; waits for it.
    ///
    /// # Errors
    /// When there will be none, or it cannot be understood.
    pub(crate) async fn receive(&self) -> Result<Received, ChannelError> {
        let parts =
            self.0.async_io(Interest::READABLE, |socket| Ok(Parts::receive(socket.as_fd())?));
        parts.await.map_err(gone)?.open()
    }

    /// Whether the other end is gone now, whatever messages of it are unread.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        let mut ours = [PollFd::new(self.0.get_ref(), PollFlags::RDHUP)];
        poll(&mut ours, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Shuts the channel down in both directions; the other end notices.
    pub(crate) fn shut_down(&self) {
        // It fails only if the other end is gone.
        let _ = shutdown(self.0.get_ref(), Shutdown::Both);
    }
}

/// One end, for a process that has no event loop yet.
#[derive(Debug)]
pub(crate) struct Line(OwnedFd);

impl Line {
    /// This end.
    #[must_use]
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Sends a message; there has to be room.
    ///
    /// # Errors
    /// When the other end is gone or does not read.
    pub(crate) fn send(&self, message: &Message) -> Result<(), ChannelError> {
        let datagram = Datagram::of(message, &[])?;
        datagram.send(self.0.as_fd(), &[]).map_err(io::Error::from).map_err(gone)?;
        datagram.passed_on();
        Ok(())
    }

    /// The next message; waits for it up to this time.
    ///
    /// # Errors
    /// When there will be none, or it cannot be understood.
    pub(crate) fn receive(&self, limit: Duration) -> Result<Received, ChannelError> {
        let deadline = std::time::Instant::now() + limit;
        loop {
            match Parts::receive(self.0.as_fd()) {
                Err(Errno::AGAIN) => {}
                parts => return parts.map_err(io::Error::from).map_err(gone)?.open(),
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            wait_to_read(self.0.as_fd(), left)?;
        }
    }

    /// The same end again, for an event loop.
    ///
    /// # Errors
    /// When the system is short of descriptors.
    pub(crate) fn another(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }
}

/// How long to retry while too many descriptors are in flight.
const PAUSE: Duration = Duration::from_millis(1);

/// The error for too many descriptors in flight.
fn is_full(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::TOOMANYREFS.raw_os_error())
}

fn gone(error: io::Error) -> ChannelError {
    let is_end = matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    );
    if is_end { ChannelError::Gone } else { ChannelError::Io(error) }
}

fn wait_to_read(socket: BorrowedFd<'_>, limit: Duration) -> io::Result<()> {
    let limit = Timespec::try_from(limit).ok();
    match poll(&mut [PollFd::from_borrowed_fd(socket, PollFlags::IN)], limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A message to be sent.
struct Datagram {
    bytes: Vec<u8>,
    memory: Option<Memory>,
}

impl Datagram {
    fn of(message: &Message, secrets: &[&[u8]]) -> Result<Self, ChannelError> {
        let line = serde_json::to_vec(message).map_err(|_| ChannelError::Malformed)?;
        if line.len() <= INLINE_MAX && secrets.iter().all(|part| part.is_empty()) {
            return Ok(Self { bytes: [&[INLINE], &line[..]].concat(), memory: None });
        }
        let len = u32::try_from(line.len()).map_err(|_| ChannelError::Malformed)?;
        let memory = Memory::of(&line, secrets)?;
        Ok(Self { bytes: [&[MEMORY], &len.to_le_bytes()[..]].concat(), memory: Some(memory) })
    }

    /// The reader wipes the memfd.
    fn passed_on(self) {
        if let Some(mut memory) = self.memory {
            memory.is_ours = false;
        }
    }

    fn send(&self, socket: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let memory = self.memory.iter().map(|memory| memory.file.as_fd());
        let all: Vec<_> = memory.chain(descriptors.iter().copied()).collect();
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX + 1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !all.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&all)) {
            return Err(Errno::MSGSIZE);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            match sendmsg(socket, &[IoSlice::new(&self.bytes)], &mut control, flags) {
                Err(Errno::INTR) => {}
                sent => return sent.map(drop),
            }
        }
    }
}

/// A received message that is not parsed yet.
struct Parts {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    truncated: bool,
}

impl Parts {
    fn receive(socket: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut bytes = vec![0; INLINE_MAX + HEAD_LEN];
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX + 1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = loop {
            match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
                Err(Errno::INTR) => {}
                received => break received?,
            }
        };
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
        bytes.truncate(received.bytes);
        let truncated = received.flags.contains(ReturnFlags::CTRUNC);
        Ok(Self { bytes, descriptors, truncated })
    }

    fn open(self) -> Result<Received, ChannelError> {
        let Self { bytes, mut descriptors, truncated } = self;
        if bytes.is_empty() {
            return Err(ChannelError::Gone);
        }
        if truncated {
            return Err(ChannelError::Descriptors);
        }
        let (line, secrets) = match bytes.split_first() {
            Some((&INLINE, line)) => (line.to_vec(), Locked::copy_of(&[])),
            Some((&MEMORY, len)) if !descriptors.is_empty() => {
                let len = <[u8; 4]>::try_from(len).map_err(|_| ChannelError::Malformed)?;
                let len = usize::try_from(u32::from_le_bytes(len));
                let memory = Memory::new(descriptors.remove(0));
                memory.take(len.map_err(|_| ChannelError::Malformed)?)?
            }
            _ => return Err(ChannelError::Malformed),
        };
        let message = serde_json::from_slice(&line).map_err(|_| ChannelError::Malformed)?;
        Ok(Received { message, descriptors, secrets })
    }
}

/// The memfd of one message.
struct Memory {
    file: OwnedFd,
    /// Whether it is wiped here, when it is dropped.
    is_ours: bool,
}

impl Memory {
    fn new(file: OwnedFd) -> Self {
        Self { file, is_ours: true }
    }

    fn of(line: &[u8], secrets: &[&[u8]]) -> Result<Self, ChannelError> {
        let memory = Self::new(create()?);
        let mut at = 0;
        for part in [line].iter().chain(secrets) {
            let mut rest = *part;
            while !rest.is_empty() {
                let written = pwrite(&memory.file, rest, at)?;
                rest = &rest[written..];
                at += written as u64;
            }
        }
        fcntl_add_seals(&memory.file, SEALS)?;
        Ok(memory)
    }

    /// The line, of this length, and the secrets.
    fn take(&self, line_len: usize) -> Result<(Vec<u8>, Locked), ChannelError> {
        // The kernel has seals only for memfds.
        let seals = fcntl_get_seals(&self.file).map_err(|_| ChannelError::Malformed)?;
        if !seals.contains(SEALS) {
            return Err(ChannelError::Malformed);
        }
        let len = usize::try_from(fstat(&self.file)?.st_size).unwrap_or(usize::MAX);
        let secrets_len = len.checked_sub(line_len).filter(|_| len <= MEMORY_MAX);
        let secrets_len = secrets_len.ok_or(ChannelError::Malformed)?;
        let mut line = vec![0; line_len];
        read_at(&self.file, &mut line, 0)?;
        let mut read = Ok(());
        let secrets = Locked::build(secrets_len, |place| {
            read = read_at(&self.file, place, line_len as u64);
        });
        read?;
        Ok((line, secrets))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        let Ok(len) = fstat(&self.file).map(|status| status.st_size) else { return };
        let zeros = [0; 4096];
        let (mut at, len) = (0, u64::try_from(len).unwrap_or_default().min(MEMORY_MAX as u64));
        while at < len {
            let part = zeros.len().min(usize::try_from(len - at).unwrap_or(zeros.len()));
            match pwrite(&self.file, &zeros[..part], at) {
                Ok(written @ 1..) => at += written as u64,
                Ok(0) | Err(_) => return,
            }
        }
    }
}

fn create() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not have the flag against executing it.
    match memfd_create(c"spiped", flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(c"spiped", flags),
        created => created,
    }
}

fn read_at(memory: &OwnedFd, mut place: &mut [u8], mut at: u64) -> Result<(), ChannelError> {
    while !place.is_empty() {
        let read = pread(memory, &mut *place, at)?;
        if read == 0 {
            return Err(ChannelError::Malformed);
        }
        place = &mut place[read..];
        at += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
