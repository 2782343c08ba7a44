//! What goes.

use alloc::rc::Rc;
use core::time::Duration;

use wasip2::io::poll::Pollable;
use wasip2::io::streams::OutputStream;

use super::{Broken, Socket};
use crate::runtime::Runtime;

/// Must be closed, not dropped: a host may wait for what it has not written
/// yet, and nothing else runs until then.
pub(crate) struct Writer {
    runtime: Runtime,
    open: Option<Open>,
    socket: Option<Rc<Socket>>,
}

/// The fields are dropped in this order, which WASI demands.
struct Open {
    pollable: Rc<Pollable>,
    stream: OutputStream,
    /// How much the host takes if it has nothing to write.
    room: u64,
}

impl Writer {
    pub(super) fn new(runtime: Runtime, stream: OutputStream, socket: Option<Rc<Socket>>) -> Self {
        let pollable = Rc::new(stream.subscribe());
        let room = stream.check_write().unwrap_or(0);
        Self { runtime, open: Some(Open { pollable, stream, room }), socket }
    }

    /// Passes all bytes to the host, as it can write them.
    pub(crate) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let Some(open) = &self.open else { return Err(closed()) };
            let room = open.stream.check_write()?;
            if room == 0 {
                self.runtime.ready(&open.pollable).await;
                continue;
            }
            let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            open.stream.write(&bytes[..count])?;
            bytes = &bytes[count..];
            if bytes.is_empty() && self.socket.is_none() {
                // wasmtime keeps the last line until it ends. In Node, nothing else
                // would run until a socket has sent all it has.
                open.stream.flush()?;
            }
        }
        Ok(())
    }

    /// The end, after all that was written.
    pub(crate) async fn finish(&mut self) -> Result<(), Broken> {
        self.written().await?;
        self.open = None;
        if let Some(socket) = &self.socket {
            socket.end_sending();
        }
        Ok(())
    }

    /// Whether neither `finish` nor an error has ended it.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Closes it as soon as the host has written all it has, or cannot.
    pub(crate) async fn close(mut self) {
        // An error means that there is nothing left to wait for.
        let _ = self.written().await;
        self.open = None;
    }

    /// Until the host has written everything.
    async fn written(&self) -> Result<(), Broken> {
        let Some(open) = &self.open else { return Err(closed()) };
        loop {
            match open.stream.check_write()? {
                0 => self.runtime.ready(&open.pollable).await,
                room if room >= open.room => return Ok(()),
                // It takes more, so there is nothing to wait for but time.
                _ => self.runtime.sleep(STEP).await,
            }
        }
    }
}

const STEP: Duration = Duration::from_millis(2);

fn closed() -> Broken {
    wasip2::io::streams::StreamError::Closed.into()
}
