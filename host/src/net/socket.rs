//! A connected stream socket, TCP or Unix.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use libc::TIOCOUTQ;
use rustix::io::{Errno, ioctl_fionbio, read, retry_on_intr};
use rustix::ioctl::{Getter, ioctl};
use rustix::net::sockopt::{
    set_socket_keepalive, set_socket_linger, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
    set_tcp_nodelay, set_tcp_user_timeout, socket_acceptconn, socket_domain, socket_error,
    socket_type,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketType, connect_unspec, recv, send, shutdown,
};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

use super::readable::watched;
use super::stream::Stream;

/// When the kernel probes a silent peer: a host that has lost power, or whose address
/// has changed, does not close its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// The first probe is sent after this much silence.
    pub idle: Duration,
    /// The interval between probes.
    pub interval: Duration,
    /// The connection is reset after this many probes without an answer.
    pub count: u32,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            // Shorter than the time for which firewalls and NATs remember a silent
            // connection; the kernel's default of two hours is longer.
            idle: Duration::from_mins(1),
            // Two minutes in total: enough for a device on the path to restart.
            interval: Duration::from_secs(10),
            count: 6,
        }
    }
}

/// A connected stream socket.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(AsyncFd<OwnedFd>),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// A TCP socket that is connected or about to be, and does not block, watched by
    /// this event loop.
    ///
    /// # Errors
    /// When the event loop cannot watch it.
    pub(super) fn tcp(socket: OwnedFd) -> io::Result<Self> {
        // Also watches for urgent data: see `is_drained`.
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        Ok(Self::Tcp(watched(socket, interest)?))
    }

    /// Resolves when the connection of a TCP socket is established.
    ///
    /// # Errors
    /// When the connection fails.
    pub(super) async fn connected(&self) -> io::Result<()> {
        if let Self::Tcp(socket) = self {
            drop(socket.writable().await?);
        }
        Ok(socket_error(self)??)
    }

    /// A connected stream socket from another process, watched by this event loop.
    ///
    /// # Errors
    /// When it is not a connected stream socket, or the event loop cannot watch it.
    pub fn adopt(descriptor: OwnedFd) -> io::Result<Self> {
        // A connection that has broken in the meantime is accepted: the relay notices.
        if socket_type(&descriptor)? != SocketType::STREAM || socket_acceptconn(&descriptor)? {
            return Err(io::Error::other("not a connected stream socket"));
        }
        match socket_domain(&descriptor)? {
            AddressFamily::INET | AddressFamily::INET6 => {
                ioctl_fionbio(&descriptor, true)?;
                Self::tcp(descriptor)
            }
            AddressFamily::UNIX => {
                let stream = StdUnixStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Ok(Self::Unix(UnixStream::from_std(stream)?))
            }
            _ => Err(io::Error::other("not a TCP or Unix socket")),
        }
    }

    /// Sets the options of every connection: no Nagle delay, and keep-alive probes
    /// unless switched off. Without a `user_timeout`, there is no time limit for bytes
    /// that the other end does not accept, because a slow reader is not gone. As with
    /// upstream, a failure is ignored: the connection works without these options.
    pub fn tune(&self, keepalive: Option<KeepAlive>, user_timeout: Option<Duration>) {
        if let Self::Tcp(stream) = self {
            let _ = set_tcp_nodelay(stream, true);
            let _ = set_socket_keepalive(stream, keepalive.is_some());
            if let Some(KeepAlive { idle, interval, count }) = keepalive {
                let _ = set_tcp_keepidle(stream, idle);
                let _ = set_tcp_keepintvl(stream, interval);
                let _ = set_tcp_keepcnt(stream, count);
            }
            if let Some(timeout) = user_timeout {
                // 0 would select the system's default.
                let milliseconds = u32::try_from(timeout.as_millis().max(1)).unwrap_or(u32::MAX);
                let _ = set_tcp_user_timeout(stream, milliseconds);
            }
        }
    }

    /// From now on, closing this socket sends a reset, whatever closes it: an error of
    /// ours, a panic, or the death of the process. Otherwise the kernel would send a
    /// FIN, which tells the other end that its data is complete.
    ///
    /// A Unix socket has no reset: its other end sees a clean end.
    pub fn reset_when_dropped(&self) {
        self.set_linger(Some(Duration::ZERO));
    }

    /// Reverts [`reset_when_dropped`](Self::reset_when_dropped): closing is then a
    /// clean end, and the kernel continues to deliver what was written.
    pub fn close_when_dropped(&self) {
        self.set_linger(None);
    }

    fn set_linger(&self, linger: Option<Duration>) {
        if let Self::Tcp(stream) = self {
            // Fails only for a descriptor that is not a socket.
            let _ = set_socket_linger(stream, linger);
        }
    }

    /// Makes a system call that moves up to `wanted` bytes, as soon as it would not
    /// block.
    fn poll_call(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        wanted: usize,
        mut call: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match (self, interest.is_readable()) {
                (Self::Tcp(socket), true) => drop(ready!(socket.poll_read_ready(cx))?),
                (Self::Tcp(socket), false) => drop(ready!(socket.poll_write_ready(cx))?),
                (Self::Unix(socket), true) => ready!(socket.poll_read_ready(cx))?,
                (Self::Unix(socket), false) => ready!(socket.poll_write_ready(cx))?,
            }
            let mut moved = None;
            let mut once = || {
                let len = retry_on_intr(|| call(self.as_fd()))?;
                moved = Some(len);
                // The call has moved everything there was, or filled the room there
                // was. Another call would only return EAGAIN, and the kernel reports
                // when that changes. Without this, every message is followed by a read
                // in vain.
                let short = 0 < len && len < wanted;
                let waits = short && (interest.is_writable() || self.is_drained());
                if waits { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            };
            let result = match self {
                Self::Tcp(socket) => socket.try_io(interest, |_| once()),
                Self::Unix(socket) => socket.try_io(interest, once),
            };
            match (moved, result) {
                (Some(len), _) => return Poll::Ready(Ok(len)),
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                // The socket is no longer ready.
                (None, _) => {}
            }
        }
    }

    /// Whether a read that returned less than it had room for has emptied the socket,
    /// so that no further read is needed to find out.
    ///
    /// In two cases a read ends early although more bytes follow, for which no further
    /// event comes:
    ///
    /// - On a Unix socket, before a descriptor that is passed along. Nothing indicates
    ///   this, so the answer is always no.
    /// - On a TCP socket, before a byte of urgent data. From the arrival of that byte
    ///   until it has been read past, every event of the socket indicates it. So if none
    ///   of the events seen so far does, the byte arrived after the last of them, and its
    ///   arrival is an event of its own, after which the socket is read again. An event
    ///   that has indicated it is not forgotten: from then on, this socket is always read
    ///   until EAGAIN.
    ///
    /// An end or a failure is an event as well, and one that the loop has seen leaves
    /// the socket readable permanently.
    fn is_drained(&self) -> bool {
        match self {
            Self::Tcp(socket) => socket.try_io(Interest::PRIORITY, |_| Ok(())).is_err(),
            Self::Unix(_) => false,
        }
    }
}

/// Sends a FIN, and discards what has arrived: closing a socket with unread bytes would
/// send a reset, which may overtake the FIN and what was sent before it. Close the
/// socket next.
///
/// Reads from the kernel whatever the event loop knows of the socket: on a busy host,
/// the loop may not have seen the latest bytes.
pub fn hang_up(socket: &impl AsFd) {
    let _ = shutdown(socket, Shutdown::Write);
    let mut unread = [0; 4096];
    // A peer that has sent more than that may get a reset.
    for _ in 0..UNREAD_MAX / unread.len() {
        match recv(socket, &mut unread, RecvFlags::DONTWAIT) {
            Ok((1.., _)) => {}
            // No bytes, an end or an error: it makes no difference for a socket that is
            // closed next.
            Ok((0, _)) | Err(_) => return,
        }
    }
}

/// How many bytes are discarded at most to close a socket without a reset.
const UNREAD_MAX: usize = 64 * 1024;

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Stream for Socket {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unfilled = buffer.initialize_unfilled();
        let wanted = unfilled.len();
        let call = |fd: BorrowedFd<'_>| read(fd, &mut *unfilled);
        let len = ready!(self.poll_call(cx, Interest::READABLE, wanted, call))?;
        buffer.advance(len);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let call = |fd: BorrowedFd<'_>| send(fd, bytes, SendFlags::NOSIGNAL);
        self.poll_call(cx, Interest::WRITABLE, bytes.len(), call)
    }

    fn end(&self) -> io::Result<()> {
        Ok(shutdown(self, Shutdown::Write)?)
    }

    async fn gone(&self) {
        // The kernel reports this as an event of its own. An error here means that the
        // event loop ends, and with it everything that could be waited for.
        let _ = match self {
            Self::Tcp(socket) => socket.ready(Interest::ERROR).await.map(drop),
            Self::Unix(socket) => socket.ready(Interest::ERROR).await.map(drop),
        };
    }

    fn error(&self) -> io::Error {
        let error = socket_error(self).ok().and_then(Result::err);
        error.unwrap_or(Errno::PIPE).into()
    }

    fn in_flight(&self) -> usize {
        match self {
            Self::Tcp(stream) => unacknowledged(stream.as_fd()).unwrap_or_default(),
            // Written bytes are in the reader's queue already.
            Self::Unix(_) => 0,
        }
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn reset(&self) {
        // An error means that the connection is gone already.
        let _ = match self {
            Self::Tcp(stream) => connect_unspec(stream),
            Self::Unix(stream) => shutdown(stream, Shutdown::Both),
        };
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Stream::poll_read(&*self, cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Stream::poll_write(&*self, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end())
    }
}

/// How many bytes the other end's kernel has not acknowledged; our FIN counts as one.
#[allow(unsafe_code, reason = "no safe call has this request")]
fn unacknowledged(socket: BorrowedFd<'_>) -> rustix::io::Result<usize> {
    #[allow(clippy::cast_possible_truncation, reason = "a request has 32 bits in any C library")]
    const REQUEST: rustix::ioctl::Opcode = TIOCOUTQ as _;
    // SAFETY: for a socket, this request (which is SIOCOUTQ) writes one int.
    let count = unsafe { ioctl(socket, Getter::<REQUEST, c_int>::new()) }?;
    Ok(usize::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests;
