//! The plain side of a connection that is made for its own sake: it has nothing
//! to say, and does not mind what it is told.

use std::future::pending;
use std::io;
use std::task::{Context, Poll};

use rustix::io::Errno;
use tokio::io::ReadBuf;

use crate::net::stream::Stream;

/// Ends at once, and takes everything.
pub(super) struct Nobody;

impl Stream for Nobody {
    fn poll_read(&self, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn end(&self) -> io::Result<()> {
        Ok(())
    }

    fn gone(&self) -> impl Future<Output = ()> + Send {
        pending()
    }

    fn error(&self) -> io::Error {
        Errno::PIPE.into()
    }

    fn in_flight(&self) -> usize {
        0
    }

    fn reset(&self) {}
}
