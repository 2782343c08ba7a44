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

/// When the kernel asks whether a silent peer is still there: a host that has
/// lost power, or whose address has changed, does not say goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// After this much silence.
    pub idle: Duration,
    /// And again after this.
    pub interval: Duration,
    /// So many probes without an answer end the connection.
    pub count: u32,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            // Shorter than what firewalls and translators of addresses keep a
            // silent connection in mind; the kernel's own two hours are not.
            idle: Duration::from_mins(1),
            // Together with it two minutes: enough for a restart of whatever
            // lies between.
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
        // Of urgent data as well: see `is_drained`.
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        Ok(Self::Tcp(watched(socket, interest)?))
    }

    /// Resolves when a TCP socket that was about to be connected is.
    ///
    /// # Errors
    /// When it cannot be.
    pub(super) async fn connected(&self) -> io::Result<()> {
        if let Self::Tcp(socket) = self {
            drop(socket.writable().await?);
        }
        Ok(socket_error(self)??)
    }

    /// A connected stream socket from another process, watched by this event loop.
    ///
    /// # Errors
    /// When it is none, or the event loop cannot watch it.
    pub fn adopt(descriptor: OwnedFd) -> io::Result<Self> {
        // One that has broken meanwhile is as good: whoever uses it finds out.
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
            _ => Err(io::Error::other("not a socket of TCP, nor a Unix socket")),
        }
    }

    /// Sets what every connection has: no Nagle delay, and keep-alive probes
    /// unless switched off. Without a `user_timeout` there is no time limit for
    /// bytes that the other end does not take: a reader that stands still is not
    /// gone. As upstream does, a failure is passed over: the connection works
    /// without.
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
                // 0 would be the system's own.
                let milliseconds = u32::try_from(timeout.as_millis().max(1)).unwrap_or(u32::MAX);
                let _ = set_tcp_user_timeout(stream, milliseconds);
            }
        }
    }

    /// From now on, whatever closes this socket sends a reset: an error of
    /// ours, a panic, the death of the process. Without that, the kernel would
    /// tell the other end that all had been said.
    ///
    /// Unix sockets know no reset: there the other end just sees the end.
    pub fn reset_when_dropped(&self) {
        self.set_linger(Some(Duration::ZERO));
    }

    /// Takes [`reset_when_dropped`](Self::reset_when_dropped) back: closing is
    /// an ordinary end, and the kernel goes on to deliver what was written.
    pub fn close_when_dropped(&self) {
        self.set_linger(None);
    }

    fn set_linger(&self, linger: Option<Duration>) {
        if let Self::Tcp(stream) = self {
            // Only a socket that is none could refuse it.
            let _ = set_socket_linger(stream, linger);
        }
    }

    /// Makes a system call that moves up to `wanted` bytes, as soon as it does
    /// not have to wait.
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
                // All there was, or all there was room for: the next call would have to
                // wait, and the kernel tells when it has not to.
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
                // Was ready, and is no more.
                (None, _) => {}
            }
        }
    }

    /// Whether a read that was given less than it had room for has left nothing. Where
    /// that is so, no second read has to tell.
    ///
    /// A read ends early, with more behind it of which there is no further news, in two
    /// places:
    ///
    /// - a Unix socket's at a descriptor that is passed along, which nothing gives away;
    /// - a TCP socket's at a byte of urgent data. From when that byte has come until it
    ///   has been passed over, every event of the socket says so. So if none that the
    ///   loop has seen does, the byte came later than the last of them, and its coming
    ///   is an event by itself, after which the socket is read again. One that has said
    ///   so is not forgotten: from then on, reads are made in vain on this socket.
    ///
    /// An end or a failure that comes meanwhile is an event as well; one that the loop
    /// has seen leaves the socket readable for ever.
    fn is_drained(&self) -> bool {
        match self {
            Self::Tcp(socket) => socket.try_io(Interest::PRIORITY, |_| Ok(())).is_err(),
            Self::Unix(_) => false,
        }
    }
}

/// Ends our direction, and drops what has come: to close a socket with something
/// unread would be a reset. Close it next.
///
/// The system is asked, whatever the event loop knows of the socket: on a busy host
/// it may not know yet what has come.
pub fn hang_up(socket: &impl AsFd) {
    let _ = shutdown(socket, Shutdown::Write);
    let mut unread = [0; 4096];
    // Whoever has sent more than that is not owed a good end.
    for _ in 0..UNREAD_MAX / unread.len() {
        match recv(socket, &mut unread, RecvFlags::DONTWAIT) {
            Ok((1.., _)) => {}
            // Nothing there, an end or an error: all the same to what is closed.
            Ok((0, _)) | Err(_) => return,
        }
    }
}

/// The most that is dropped in order to close a socket without a reset.
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
        // The kernel reports it as an event of its own. An error here is the
        // end of the event loop, and with it of all that could be waited for.
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
            // What was written is the reader's already.
            Self::Unix(_) => 0,
        }
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn reset(&self) {
        // Too late is as good: it is gone, then.
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

/// How many bytes the other end's kernel has not acknowledged, our end of the
/// stream among them.
#[allow(unsafe_code, reason = "no safe call has this request")]
fn unacknowledged(socket: BorrowedFd<'_>) -> rustix::io::Result<usize> {
    #[allow(clippy::cast_possible_truncation, reason = "a request has 32 bits in any C library")]
    const REQUEST: rustix::ioctl::Opcode = TIOCOUTQ as _;
    // SAFETY: of a socket, this request (which is SIOCOUTQ) writes one int.
    let count = unsafe { ioctl(socket, Getter::<REQUEST, c_int>::new()) }?;
    Ok(usize::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests;
