//! One direction of a connection: read, handle, write.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use crate::connection::buffer;
use crate::connection::relay::Broken;
use crate::guest::{Failure, Output, Status};
use crate::handover::messages;
use crate::net::stream::Stream;

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CryptOrPlain {
    Crypt,
    Plain,
}

impl CryptOrPlain {
    /// The output for this side.
    fn of(self, output: &Output) -> &[u8] {
        match self {
            Self::Crypt => &output.to_crypt,
            Self::Plain => &output.to_plain,
        }
    }

    pub(super) fn broken(self, error: io::Error) -> Broken {
        match self {
            Self::Crypt => Broken::Crypt(error),
            Self::Plain => Broken::Plain(error),
        }
    }
}

/// Why the relay cannot continue.
pub(super) enum Stop {
    /// The session failed.
    Session(Failure),
    /// Reading from this side failed.
    Read(CryptOrPlain, io::Error),
    /// Writing to this side failed.
    Write(CryptOrPlain, io::Error),
    /// The connection of this side is gone. The reason is known only after reading it to
    /// its end.
    Gone(CryptOrPlain),
}

/// A stream, and which it is.
pub(super) struct SideStream<'a, S>(pub(super) CryptOrPlain, pub(super) &'a S);

/// One direction's state between polls.
pub(super) struct Direction {
    /// Output of the session that is not written yet.
    pending: Vec<u8>,
    written: usize,
    /// How many bytes the last poll wrote.
    pub(super) just_written: usize,
    /// Whether the last poll read bytes or an end.
    just_read: bool,
    stage: Stage,
    /// The error of a failed write to the socket that this direction reads from. A kernel
    /// reports a reset once, to the write or to the read: after a failed write, the
    /// end that is read there is not a clean one.
    failed: Option<io::ErrorKind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    /// The last bytes are in `pending`; then the write side is closed.
    Ending,
    /// The last bytes are in `pending`, and no end follows them.
    Breaking,
    /// The write side has been closed since this time.
    Done(Instant),
}

impl Direction {
    pub(super) fn new(pending: Vec<u8>) -> Self {
        let stage = Stage::Reading;
        Self { pending, written: 0, just_written: 0, just_read: false, stage, failed: None }
    }

    /// A direction that has moved here; these bytes are still to be written.
    pub(super) fn arrived(stage: messages::Stage, pending: Vec<u8>) -> Self {
        let stage = match stage {
            messages::Stage::Open => Stage::Reading,
            messages::Stage::Ending => Stage::Ending,
            messages::Stage::Done => Stage::Done(Instant::now()),
        };
        Self { stage, ..Self::new(pending) }
    }

    /// What another process needs to continue it; `None` if it is about to break.
    pub(super) fn to_move(&self) -> Option<(messages::Direction, &[u8])> {
        let stage = match self.stage {
            Stage::Reading => messages::Stage::Open,
            Stage::Ending => messages::Stage::Ending,
            Stage::Done(_) => messages::Stage::Done,
            Stage::Breaking => return None,
        };
        let pending = &self.pending[self.written..];
        let direction = messages::Direction { stage, pending: pending.len() };
        self.failed.is_none().then_some((direction, pending))
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done(_))
    }

    /// Whether the last poll read or wrote anything.
    pub(super) fn has_moved(&self) -> bool {
        self.just_read || self.just_written > 0
    }

    /// Whether it only waits for bytes to read.
    pub(super) fn is_reading(&self) -> bool {
        self.is_open() && self.is_written()
    }

    /// Whether more bytes may be read.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Reading
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_written(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether everything has been written, including the end if there is one.
    pub(super) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Reading | Stage::Ending => false,
            Stage::Breaking => self.is_written(),
            Stage::Done(_) => true,
        }
    }

    /// When the end of this direction was passed on.
    pub(super) fn done_since(&self) -> Option<Instant> {
        match self.stage {
            Stage::Done(since) => Some(since),
            Stage::Reading | Stage::Ending | Stage::Breaking => None,
        }
    }

    /// Reads no more. What has been read is still written; then the stream has to be
    /// reset.
    pub(super) fn stop_reading(&mut self) {
        if !self.is_done() {
            self.stage = Stage::Breaking;
        }
    }

    /// Its destination accepts no more bytes: drops what is pending.
    pub(super) fn give_up(&mut self) {
        self.stop_reading();
        self.pending = Vec::new();
        self.written = 0;
    }

    /// Writing to the socket that this direction reads from has failed.
    pub(super) fn note_failed_write(&mut self, error: &io::Error) {
        // Linux reports EPIPE for a reset that follows a FIN: the end that is read is a clean
        // one.
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.failed = Some(error.kind());
        }
    }

    /// Writes what is pending, then moves one batch. `handle` receives the bytes read, or
    /// `None` at the end. `Pending` if a stream has to become ready first, or if
    /// nothing is left to do.
    pub(super) fn poll_batch<R: Stream, W: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        SideStream(from, reader): SideStream<'_, R>,
        SideStream(to, writer): SideStream<'_, W>,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>, &mut Output) -> Status,
    ) -> Poll<Result<(), Stop>> {
        self.just_written = 0;
        self.just_read = false;
        let failed_write = |error| Stop::Write(to, error);
        ready!(self.poll_write(cx, writer)).map_err(failed_write)?;
        match self.stage {
            Stage::Reading => {
                let moved = ready!(self.poll_move(cx, reader, SideStream(to, writer), max, handle));
                let (status, written) = moved.map_err(|error| Stop::Read(from, error))?;
                // Bytes from before the failure stay in `pending`: protocol.md F-1.
                if let Status::Failed(failure) = status {
                    return Poll::Ready(Err(Stop::Session(failure)));
                }
                // Usually everything was written; the rest waits for the next turn.
                written.map_err(failed_write)
            }
            Stage::Ending => {
                // A stream that is gone already cannot be closed.
                if let Err(error) = writer.end()
                    && error.kind() != io::ErrorKind::NotConnected
                {
                    return Poll::Ready(Err(failed_write(error)));
                }
                self.stage = Stage::Done(Instant::now());
                Poll::Ready(Ok(()))
            }
            Stage::Breaking | Stage::Done(_) => Poll::Pending,
        }
    }

    /// Reads and handles one batch, or the end, and writes the output, unless the session
    /// has failed.
    fn poll_move<R: Stream, W: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &R,
        SideStream(to, writer): SideStream<'_, W>,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>, &mut Output) -> Status,
    ) -> Poll<io::Result<(Status, Poll<io::Result<()>>)>> {
        buffer::poll_read(cx, reader, max, |cx, bytes, out| {
            self.just_read = true;
            // Only the end of a stream ends a direction, and only a stream that
            // ends cleanly: protocol.md E-2, E-3.
            let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
            if bytes.is_none() {
                if let Some(failed) = self.failed.take() {
                    return Err(failed.into());
                }
                self.stage = Stage::Ending;
            }
            let status = handle(bytes, out);
            let made = to.of(out);
            let (written, polled) = match status {
                Status::Failed(_) => (0, Poll::Pending),
                Status::Handshaking | Status::WantsCompute | Status::Established => {
                    write(cx, writer, made)
                }
            };
            self.just_written += written;
            self.pending = made[written..].to_vec();
            Ok((status, polled))
        })
        .map(Result::flatten)
    }

    fn poll_write<W: Stream>(&mut self, cx: &mut Context<'_>, writer: &W) -> Poll<io::Result<()>> {
        if self.pending.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let (written, polled) = write(cx, writer, &self.pending[self.written..]);
        self.written += written;
        self.just_written += written;
        ready!(polled)?;
        self.pending = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

/// Writes as much as the stream accepts immediately. Returns how much that was.
fn write<W: Stream>(
    cx: &mut Context<'_>,
    writer: &W,
    bytes: &[u8],
) -> (usize, Poll<io::Result<()>>) {
    let mut written = 0;
    let polled = loop {
        let rest = &bytes[written..];
        if rest.is_empty() {
            break Poll::Ready(Ok(()));
        }
        match writer.poll_write(cx, rest) {
            Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(len)) => written += len,
            Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
            Poll::Pending => break Poll::Pending,
        }
    };
    (written, polled)
}
