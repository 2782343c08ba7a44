//! Standard input and output as one stream: `spipe`'s plain side.
//!
//! They can be anything: a file, which is always ready and still may block; a
//! terminal or a pipe that other processes use as well, so that it is not ours
//! to be made non-blocking, and may be so already. So each has a thread that
//! waits for it, and a buffer that goes back and forth between thread and task.
//! A direction never has more than that under way. It is wiped when it comes
//! back.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::{Context, Poll, ready};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::net::{Shutdown, shutdown};
use rustix::stdio::{stdin, stdout};
use tokio::io::ReadBuf;
use tokio::sync::mpsc;

use crate::net::stream::Stream;
use crate::process::wipe::wipe;

/// The most bytes of a read or a write: what 64 packets carry.
const BUFFER_LEN: usize = 64 * 1024;

/// Standard input and output of this process.
pub struct Stdio {
    input: RefCell<Input>,
    output: RefCell<Waiter>,
}

/// Standard input, and what was read from it and not taken yet.
struct Input {
    waiter: Waiter,
    read: Range<usize>,
    ended: bool,
}

impl Stdio {
    /// Takes both; use neither elsewhere. Nothing is read yet.
    ///
    /// # Errors
    /// When the system is short of threads.
    pub fn new() -> io::Result<Self> {
        let waiter = Waiter::start("stdin", |buffer| {
            when_ready(stdin(), PollFlags::IN, || read(stdin(), &mut *buffer))
        })?;
        let output = Waiter::start("stdout", |bytes| {
            when_ready(stdout(), PollFlags::OUT, || write(stdout(), bytes))
        })?;
        let input = Input { waiter, read: 0..0, ended: false };
        Ok(Self { input: input.into(), output: output.into() })
    }
}

impl Stream for Stdio {
    /// Who reads our output need not be who writes our input.
    const ONE_CONNECTION: bool = false;

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Input { waiter, read, ended } = &mut *self.input.borrow_mut();
        if Range::is_empty(read) && !*ended {
            waiter.send_off(BUFFER_LEN, |_| {});
            *read = 0..ready!(waiter.poll_back(cx))?;
            *ended = Range::is_empty(read);
        }
        let now = read.start..read.end.min(read.start + buffer.remaining());
        read.start = now.end;
        if let Some(bytes) = &mut waiter.buffer {
            buffer.put_slice(&bytes[now.clone()]);
            wipe(&mut bytes[now]);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let waiter = &mut *self.output.borrow_mut();
        let len = bytes.len().min(BUFFER_LEN);
        waiter.send_off(len, |buffer| buffer.copy_from_slice(&bytes[..len]));
        let written = ready!(waiter.poll_back(cx));
        if let Some(buffer) = &mut waiter.buffer {
            wipe(&mut buffer[..len]);
        }
        Poll::Ready(written)
    }

    /// Half-closes standard output if it is a socket. A file or a pipe stays
    /// open until we exit.
    fn end(&self) -> io::Result<()> {
        let _ = shutdown(stdout(), Shutdown::Write);
        Ok(())
    }

    /// As a filter, we notice it when we write.
    fn gone(&self) -> impl Future<Output = ()> + Send {
        pending()
    }

    fn error(&self) -> io::Error {
        Errno::PIPE.into()
    }

    /// What was written is the reader's already.
    fn in_flight(&self) -> usize {
        0
    }

    /// Our exit status tells.
    fn reset(&self) {}
}

/// A thread that waits for a descriptor in our place, and the buffer it works
/// with.
struct Waiter {
    orders: SyncSender<(Buffer, usize)>,
    answers: mpsc::Receiver<(Buffer, io::Result<usize>)>,
    /// If it is here.
    buffer: Option<Buffer>,
}

type Buffer = Box<[u8]>;

impl Waiter {
    /// Starts a thread that does `work` with the part of the buffer that it is
    /// given, and says how many bytes that were.
    fn start(
        name: &str,
        work: impl Fn(&mut [u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, ordered) = sync_channel::<(Buffer, usize)>(1);
        let (answer, answers) = mpsc::channel(1);
        thread::Builder::new().name(name.into()).spawn(move || {
            for (mut buffer, len) in ordered {
                let result = work(&mut buffer[..len]);
                if answer.blocking_send((buffer, result)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, answers, buffer: Some(vec![0; BUFFER_LEN].into()) })
    }

    /// Has the thread work with `len` bytes of the buffer, unless it still
    /// does.
    fn send_off(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) {
        if let Some(mut buffer) = self.buffer.take() {
            fill(&mut buffer[..len]);
            // If the thread is gone, so is the other end of `answers`.
            let _ = self.orders.send((buffer, len));
        }
    }

    /// The answer, when the buffer is back.
    fn poll_back(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let answer = ready!(self.answers.poll_recv(cx));
        let (buffer, result) = answer.ok_or_else(|| {
            io::Error::other(
                "the thread that reads or \
            writes it has ended",
            )
        })?;
        self.buffer = Some(buffer);
        Poll::Ready(result)
    }
}

/// Makes a system call that waits until it can do something, also on a
/// descriptor that is non-blocking.
fn when_ready(
    descriptor: impl AsFd,
    event: PollFlags,
    mut call: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match retry_on_intr(&mut call) {
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::new(&descriptor, event)];
                retry_on_intr(|| poll(&mut ready, None))?;
            }
            result => return Ok(result?),
        }
    }
}
