//! Readers that do not read.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::payload::Transfer;
use crate::{Backend, Lab, LineUp, wait};

/// A target that reads nothing stalls the application, and loses nothing.
pub fn stalled_target(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let near = pair.open();
    let far = backend.accept().into_link();
    stalls_until_read(line_up, near.writer, far.reader);
}

/// An application that reads nothing stalls the target, and loses nothing.
pub fn stalled_application(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let near = pair.open();
    let far = backend.accept().into_link();
    // Some hosts cannot end their output before their input has ended.
    drop(near.writer);
    stalls_until_read(line_up, far.writer, near.reader);
}

#[track_caller]
fn stalls_until_read(line_up: LineUp, writer: Box<dyn Write + Send>, reader: Box<dyn Read + Send>) {
    // More than all the kernel's buffers on the way can hold.
    let length = 2 * line_up.bulk().max(MANY);
    let taken = Arc::new(AtomicU64::new(0));
    let writer = Counting(writer, Arc::clone(&taken));
    let (open, opened) = mpsc::channel();
    let reader = Gated(reader, opened);
    let transfer = Transfer::start(Box::new(writer), Box::new(reader), length);
    let mut before = 0;
    wait::until("the writer was stalled", || {
        wait::observe(Duration::from_millis(250));
        let now = taken.load(Ordering::SeqCst);
        std::mem::replace(&mut before, now) == now && now > 0
    });
    assert!(before < length, "all was taken, and nothing read");
    drop(open);
    transfer.check();
}

/// Counts the bytes that were taken.
struct Counting(Box<dyn Write + Send>, Arc<AtomicU64>);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.1.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Reads nothing until the other end of the channel is dropped.
struct Gated(Box<dyn Read + Send>, Receiver<()>);

impl Read for Gated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = self.1.recv();
        self.0.read(buffer)
    }
}

/// Three sockets and a pipe on the way hold less than this.
const MANY: u64 = 16 << 20;
