//! What a worker thread reads into. It keeps what was read until a connection
//! sleeps or ends: then it is wiped, whosever bytes are in it, and so is what
//! calls left on the stack.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use crate::net::stream::Stream;
use crate::process::wipe;

/// One read from the crypt side: 64 packets.
pub(super) const BATCH_LEN: usize = 64 * 1060;
/// One read from the plain side: what 64 packets carry.
pub(super) const PLAIN_BATCH_LEN: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Buffer> = RefCell::new(Buffer::new());
}

/// What the connections of a worker thread read into, one after the other.
struct Buffer {
    bytes: Box<[u8]>,
    /// Beyond these, all are zeros.
    used: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BATCH_LEN].into(), used: 0 }
    }
}

/// Reads up to `max` bytes into this thread's, and passes them on.
pub(super) fn poll_read<S: Stream, T>(
    cx: &mut Context<'_>,
    stream: &S,
    max: usize,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut read = ReadBuf::new(&mut buffer.bytes[..max]);
        ready!(stream.poll_read(cx, &mut read))?;
        let bytes = read.filled();
        buffer.used = buffer.used.max(bytes.len());
        Poll::Ready(Ok(take(bytes)))
    })
}

/// Wipes this thread's, and the unused part of its stack.
pub(super) fn wipe() {
    wipe::wipe_stack();
    // Gone with its thread is as good: the heap is wiped when freed.
    let _ = BUFFER.try_with(|buffer| {
        let buffer = &mut *buffer.borrow_mut();
        wipe::wipe(&mut buffer.bytes[..mem::take(&mut buffer.used)]);
    });
}

/// A connection's plaintext does not outlive it.
pub(super) struct WipeOnDrop;

impl Drop for WipeOnDrop {
    fn drop(&mut self) {
        wipe();
    }
}

/// Reads a batch for nobody. Says how long it was.
pub(super) fn poll_discard<S: Stream>(cx: &mut Context<'_>, stream: &S) -> Poll<io::Result<usize>> {
    poll_read(cx, stream, BATCH_LEN, <[u8]>::len)
}
