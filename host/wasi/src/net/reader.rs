//! What comes.

use alloc::rc::Rc;
use alloc::vec::Vec;

use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, StreamError};

use super::{Broken, Socket};
use crate::runtime::Runtime;

/// The fields are dropped in this order, which WASI demands.
pub(crate) struct Reader {
    runtime: Runtime,
    pollable: Rc<Pollable>,
    stream: InputStream,
    socket: Option<Rc<Socket>>,
    has_ended: bool,
}

impl Reader {
    pub(super) fn new(runtime: Runtime, stream: InputStream, socket: Option<Rc<Socket>>) -> Self {
        let pollable = Rc::new(stream.subscribe());
        Self { runtime, pollable, stream, socket, has_ended: false }
    }

    /// What has come, at most so many bytes; nothing at the end.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Option<Vec<u8>>, Broken> {
        while !self.has_ended {
            match self.stream.read(most as u64) {
                Ok(bytes) if bytes.is_empty() => self.runtime.ready(&self.pollable).await,
                Ok(bytes) => return Ok(Some(bytes)),
                Err(StreamError::Closed) => self.has_ended = true,
                Err(error @ StreamError::LastOperationFailed(_)) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Whether the connection is still there, as far as the host knows: its
    /// system no longer names the other end of one that is gone.
    pub(crate) fn is_connected(&self) -> bool {
        self.socket.as_ref().is_none_or(|socket| socket.tcp.remote_address().is_ok())
    }
}
