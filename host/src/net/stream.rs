//! The interface of the streams at both sides of a connection.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

/// A stream of bytes in both directions, for one task.
///
/// Unlike tokio's traits, all methods take a shared reference: a task that waits to
/// read or to write can watch for a failure at the same time.
pub trait Stream {
    /// Whether both directions are one connection with one peer. If so, a failure of
    /// one direction is a failure of the other.
    const ONE_CONNECTION: bool = true;

    /// Reads available bytes; no bytes mean the end.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    /// Writes, and returns how many bytes were written. Until it is ready, it must be
    /// called with the same bytes.
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Ends our direction, after all bytes written so far.
    ///
    /// # Errors
    /// When the stream is gone.
    fn end(&self) -> io::Result<()>;

    /// Resolves when the stream has failed: no byte will be accepted. There may still
    /// be some to read. A clean end of the other end's direction does not count.
    fn gone(&self) -> impl Future<Output = ()> + Send;

    /// The error of a stream that is gone, unless a read or a write has returned it
    /// already.
    fn error(&self) -> io::Error;

    /// How many of the written bytes the other end's kernel has not acknowledged. A
    /// reset may lose them.
    fn in_flight(&self) -> usize;

    /// The socket, for another process to continue with; `None` if that is not
    /// possible.
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Resets the stream, so that the other end does not take it for one that ended
    /// cleanly. Bytes in flight are lost.
    fn reset(&self);
}
