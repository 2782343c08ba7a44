//! Standard input and output as one stream: `spipe`'s plain side.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Stdin, Stdout, stdin, stdout};

/// Standard input and output of this process.
pub struct Stdio {
    input: Stdin,
    output: Stdout,
}

impl Stdio {
    /// Takes both; use neither elsewhere. Needs a runtime.
    #[must_use]
    pub fn new() -> Self {
        Self { input: stdin(), output: stdout() }
    }
}

impl Default for Stdio {
    fn default() -> Self {
        Self::new()
    }
}

impl AsyncRead for Stdio {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_flush(cx)
    }

    /// Half-closes standard output if it is a socket. A file or a pipe stays
    /// open until we exit.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = shutdown(rustix::stdio::stdout(), Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}
