//! A connected stream socket, TCP or Unix.

use std::ffi::c_int;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use libc::TIOCOUTQ;
use rustix::io::{Errno, read, retry_on_intr};
use rustix::ioctl::{Getter, ioctl};
use rustix::net::sockopt::{
    set_socket_keepalive, set_socket_linger, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
    set_tcp_user_timeout, socket_acceptconn, socket_domain, socket_type,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketType, connect_unspec, recv, send, shutdown,
};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

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
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// A connected stream socket from another process, watched by this event loop.
    ///
    /// # Errors
    /// When it is none, or the event loop cannot watch it.
    pub(crate) fn adopt(descriptor: OwnedFd) -> io::Result<Self> {
        // One that has broken meanwhile is as good: whoever uses it finds out.
        if socket_type(&descriptor)? != SocketType::STREAM || socket_acceptconn(&descriptor)? {
            return Err(io::Error::other("not a connected stream socket"));
        }
        match socket_domain(&descriptor)? {
            AddressFamily::INET | AddressFamily::INET6 => {
                let stream = StdTcpStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpStream::from_std(stream)?))
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
            let _ = stream.set_nodelay(true);
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
            ready!(match (self, interest.is_readable()) {
                (Self::Tcp(stream), true) => stream.poll_read_ready(cx),
                (Self::Tcp(stream), false) => stream.poll_write_ready(cx),
                (Self::Unix(stream), true) => stream.poll_read_ready(cx),
                (Self::Unix(stream), false) => stream.poll_write_ready(cx),
            })?;
            let mut moved = None;
            let once = || {
                let len = retry_on_intr(|| call(self.as_fd()))?;
                moved = Some(len);
                // All there was room for: the next write would have to wait, and
                // the kernel tells when there is room again. A read that ends
                // early says nothing: it does so at a byte of urgent data, or a
                // descriptor that is passed along, with more behind it, of which
                // there is no further news. Only the next read can tell.
                let full = interest.is_writable() && 0 < len && len < wanted;
                if full { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            };
            let result = match self {
                Self::Tcp(stream) => stream.try_io(interest, once),
                Self::Unix(stream) => stream.try_io(interest, once),
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
            Self::Tcp(stream) => stream.ready(Interest::ERROR).await,
            Self::Unix(stream) => stream.ready(Interest::ERROR).await,
        };
    }

    fn error(&self) -> io::Error {
        let error = match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
        };
        error.ok().flatten().unwrap_or_else(|| Errno::PIPE.into())
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
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io::{IoSlice, Read, Write};
    use std::mem::MaybeUninit;
    use std::net::{TcpListener, TcpStream as Peer};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};
    use tokio::io::AsyncReadExt;
    use tokio::time::timeout;

    use super::*;

    /// protocol.md F-5
    #[tokio::test]
    async fn socket_that_is_dropped_by_a_panic_is_reset() {
        let (socket, mut peer) = connected();
        socket.reset_when_dropped();
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _socket = socket;
            panic!("as a fault of ours might");
        }));
        assert!(unwound.is_err());
        let error = peer.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn reset_when_dropped_can_be_taken_back() {
        let (socket, mut peer) = connected();
        socket.reset_when_dropped();
        socket.close_when_dropped();
        drop(socket);
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    }

    #[tokio::test]
    async fn reset_is_noticed_before_what_came_ahead_of_it_is_read() {
        let (mut socket, mut peer) = connected();
        peer.write_all(b"unread").unwrap();
        set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
        drop(peer);
        socket.gone().await;
        let mut read = [0; 6];
        socket.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"unread");
        assert_eq!(socket.error().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn half_closed_socket_is_not_gone() {
        let (mut socket, peer) = connected();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
        assert!(timeout(Duration::from_millis(100), socket.gone()).await.is_err());
    }

    #[tokio::test]
    async fn bytes_behind_a_descriptor_are_read() {
        let (ours, peer) = StdUnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut socket = Socket::Unix(UnixStream::from_std(ours).unwrap());
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut descriptors = SendAncillaryBuffer::new(&mut room);
        let passed_along = [peer.as_fd()];
        assert!(descriptors.push(SendAncillaryMessage::ScmRights(&passed_along)));
        let first = [IoSlice::new(b"one")];
        sendmsg(&peer, &first, &mut descriptors, SendFlags::empty()).unwrap();
        (&peer).write_all(b"two").unwrap();
        assert_eq!(socket.read(&mut [0; 100]).await.unwrap(), 3);
        let second = timeout(Duration::from_secs(10), socket.read(&mut [0; 100])).await;
        assert_eq!(second.unwrap().unwrap(), 3);
    }

    /// A socket of ours, and the other end of it.
    fn connected() -> (Socket, Peer) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = Peer::connect(listener.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(true).unwrap();
        let (peer, _) = listener.accept().unwrap();
        (Socket::Tcp(TcpStream::from_std(ours).unwrap()), peer)
    }
}
