//! The buffers of a worker thread for input and output. They keep their bytes until a
//! connection sleeps or ends: then they are wiped, whichever connection's bytes they
//! contain, and so is the stack.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use crate::guest::Output;
use crate::net::stream::Stream;
use crate::packet_crypto::{PACKET_LEN, PLAIN_MAX};
use crate::process::wipe;

/// One read from the crypt side: 256 packets. A gigabyte takes 4 % less time than with
/// 64 packets, with fewer system calls and fewer wake-ups of the reader. With 512 it
/// would take 4 % less again, but a connection whose reader has stopped would hold
/// twice as much.
pub(super) const BATCH_LEN: usize = 256 * PACKET_LEN;
/// One read from the plain side: what as many packets carry.
pub(super) const PLAIN_BATCH_LEN: usize = 256 * PLAIN_MAX;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers::new());
}

/// The buffers that the connections of a worker thread use in turn.
struct Buffers {
    input: Box<[u8]>,
    output: Output,
    /// All bytes after these are zeros.
    used: Used,
}

#[derive(Default)]
struct Used {
    input: usize,
    to_crypt: usize,
    to_plain: usize,
}

impl Buffers {
    fn new() -> Self {
        let input = vec![0; BATCH_LEN].into();
        let output = Output {
            to_crypt: Vec::with_capacity(BATCH_LEN),
            to_plain: Vec::with_capacity(PLAIN_BATCH_LEN),
        };
        Self { input, output, used: Used::default() }
    }
}

/// Reads up to `max` bytes into this thread's buffer, and passes them on with a buffer
/// for the output.
pub(super) fn poll_read<S: Stream, T>(
    cx: &mut Context<'_>,
    stream: &S,
    max: usize,
    take: impl FnOnce(&mut Context<'_>, &[u8], &mut Output) -> T,
) -> Poll<io::Result<T>> {
    BUFFERS.with_borrow_mut(|Buffers { input, output, used }| {
        let mut read = ReadBuf::new(&mut input[..max]);
        ready!(stream.poll_read(cx, &mut read))?;
        let bytes = read.filled();
        used.input = used.input.max(bytes.len());
        let taken = take(cx, bytes, output);
        used.to_crypt = used.to_crypt.max(output.to_crypt.len());
        used.to_plain = used.to_plain.max(output.to_plain.len());
        output.to_crypt.clear();
        output.to_plain.clear();
        Poll::Ready(Ok(taken))
    })
}

/// Wipes this thread's buffers, and the unused part of its stack.
pub(super) fn wipe() {
    wipe::wipe_stack();
    // If the buffers are gone with their thread, they have been wiped: the heap is
    // wiped when freed.
    let _ = BUFFERS.try_with(|buffers| {
        let Buffers { input, output, used } = &mut *buffers.borrow_mut();
        let used = mem::take(used);
        wipe::wipe(&mut input[..used.input]);
        wipe::wipe_used(&mut output.to_crypt, used.to_crypt);
        wipe::wipe_used(&mut output.to_plain, used.to_plain);
    });
}

/// Wipes the buffers when a connection ends, so that its plaintext does not outlive it.
pub(super) struct WipeOnDrop;

impl Drop for WipeOnDrop {
    fn drop(&mut self) {
        wipe();
    }
}

/// Reads and discards a batch. Returns its length.
pub(super) fn poll_discard<S: Stream>(cx: &mut Context<'_>, stream: &S) -> Poll<io::Result<usize>> {
    poll_read(cx, stream, BATCH_LEN, |_, bytes, _| bytes.len())
}
