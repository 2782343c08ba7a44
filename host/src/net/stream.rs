//! What a connection needs of the streams at its two sides.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;

/// A stream of bytes both ways, for one task.
///
/// In contrast to the traits of tokio, all is done through a shared reference:
/// a task that waits to read or to write can watch the stream break meanwhile.
pub trait Stream {
    /// Whether the two directions are one connection, with one peer: then what
    /// breaks one of them breaks the other.
    const ONE_CONNECTION: bool = true;

    /// Reads what there is; nothing at the end.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    /// Writes, and says how many bytes it were. Until it is ready, it must be
    /// called with the same bytes.
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Ends our direction, after all that was written.
    ///
    /// # Errors
    /// When the stream is gone.
    fn end(&self) -> io::Result<()>;

    /// Resolves when the stream is broken: nobody will take another byte.
    /// There may still be some to be read. An end of the other end's direction
    /// is none of that.
    fn gone(&self) -> impl Future<Output = ()> + Send;

    /// What a stream that is gone died of, as far as no read or write has said
    /// that already.
    fn error(&self) -> io::Error;

    /// How many of the bytes that were written the other end's system does not
    /// have yet. A broken stream may lose them.
    fn in_flight(&self) -> usize;

    /// What it is made of, for another process to go on with; nothing if that is
    /// not possible.
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Breaks the stream, so that the other end does not take it for one that
    /// came to its end. What is in flight is lost.
    fn reset(&self);
}
