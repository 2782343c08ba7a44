//! A connected stream socket, TCP or Unix.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connected stream socket.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// Sets what every connection has: no Nagle delay, and keep-alive probes
    /// unless switched off. As upstream does, a failure is passed over: the
    /// connection works without.
    pub fn tune(&self, keepalive: bool) {
        if let Self::Tcp(stream) = self {
            let _ = stream.set_nodelay(true);
            let _ = SockRef::from(stream).set_keepalive(keepalive);
        }
    }

    /// Takes what has come, a little at least, and drops it: to close with
    /// something unread would be a reset.
    pub fn discard_input(&self) {
        let mut unread = [0; 4096];
        // Nothing there, an end or an error: all the same to what is closed.
        let _ = match self {
            Self::Tcp(stream) => stream.try_read(&mut unread),
            Self::Unix(stream) => stream.try_read(&mut unread),
        };
    }

    /// Closes so that the other end gets a reset, not a clean end. Unix
    /// sockets know no reset: there the other end just sees the end.
    pub fn reset(self) {
        if let Self::Tcp(stream) = &self {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Calls the same method of whichever stream it is.
macro_rules! delegate {
    ($self:ident, $method:ident $(, $arg:expr)*) => {
        match $self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).$method($($arg),*),
            Self::Unix(stream) => Pin::new(stream).$method($($arg),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, poll_read, cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown, cx)
    }
}
