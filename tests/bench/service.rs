//! The service behind every pipe, and the bytes that load and service exchange.
//!
//! A connection carries messages of [`MESSAGE_LEN`] bytes. The first eight say
//! how much bulk follows, the next how much is wanted back (little-endian). If
//! none follows, the message is sent back. Otherwise the bulk is compared with
//! what it must be, and answered with the number of bytes before the first
//! difference, and then with as much bulk as is wanted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use spiped_tests::{Endpoint, payload, wait};

/// The service, for as long as the program runs.
pub(crate) struct Service {
    endpoint: Endpoint,
    active: Arc<AtomicUsize>,
}

impl Service {
    /// Listens on a free port of the loopback address.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let endpoint = Endpoint::Tcp(listener.local_addr()?);
        let active = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&active);
        LazyLock::force(&PATTERN);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Active::more(&count);
                let serving = thread::Builder::new().stack_size(STACK_LEN).spawn(move || {
                    let _count = count;
                    // The load notices that its connection has failed.
                    let _ = serve(stream);
                });
                // So it does if there is no thread for it.
                drop(serving);
            }
        });
        Ok(Self { endpoint, active })
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How many connections it has.
    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::SeqCst)
    }

    /// Waits until all its connections have ended.
    pub(crate) fn wait_until_idle(&self) -> Result<()> {
        let start = Instant::now();
        while self.active() > 0 {
            if start.elapsed() > wait::LIMIT {
                bail!("{} connections to the service do not end", self.active());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Counts a connection for as long as it exists.
struct Active(Arc<AtomicUsize>);

impl Active {
    fn more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A message that announces so much bulk, and wants so much back.
pub(crate) fn message(bulk: u64, back: u64) -> [u8; MESSAGE_LEN] {
    let mut message = [0x5a; MESSAGE_LEN];
    message[..8].copy_from_slice(&bulk.to_le_bytes());
    message[8..16].copy_from_slice(&back.to_le_bytes());
    message
}

/// What a message announces, and what it wants back.
fn lengths(message: &[u8; MESSAGE_LEN]) -> [u64; 2] {
    let (lengths, _) = message.as_chunks();
    [lengths[0], lengths[1]].map(u64::from_le_bytes)
}

/// Sends so much bulk.
pub(crate) fn send(stream: &mut TcpStream, length: u64) -> Result<()> {
    let mut sent = 0;
    while sent < length {
        let bytes = &bulk_at(sent)[..chunk_len(length - sent)];
        stream.write_all(bytes).with_context(|| format!("sending after {sent} bytes"))?;
        sent += bytes.len() as u64;
    }
    Ok(())
}

/// The bytes of the bulk at a position, up to [`BUFFER_LEN`] of them.
fn bulk_at(position: u64) -> &'static [u8; BUFFER_LEN] {
    let offset = usize::try_from(position % PERIOD as u64).expect("less than a usize");
    PATTERN[offset..].first_chunk().expect("a period and a buffer")
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut message = [0; MESSAGE_LEN];
    loop {
        match stream.read_exact(&mut message) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        match lengths(&message) {
            [0, _] => stream.write_all(&message)?,
            [bulk, back] => {
                let good = swallow(&mut stream, bulk)?;
                stream.write_all(&good.to_le_bytes())?;
                send(&mut stream, back)?;
            }
        }
    }
}

/// Receives the bulk and counts the bytes before the first difference.
pub(crate) fn swallow(stream: &mut TcpStream, bulk: u64) -> Result<u64> {
    let mut buffer = vec![0; BUFFER_LEN];
    let mut received = 0;
    let mut good = None;
    while received < bulk {
        let count = stream.read(&mut buffer[..chunk_len(bulk - received)])?;
        if count == 0 {
            bail!("the end after {received} bytes");
        }
        // Comparing whole slices is several times faster than any network.
        let expected = &bulk_at(received)[..count];
        if good.is_none() && buffer[..count] != *expected {
            let same = buffer.iter().zip(expected).take_while(|(a, b)| a == b).count();
            good = Some(received + same as u64);
        }
        received += count as u64;
    }
    Ok(good.unwrap_or(received))
}

/// How much of what is left goes at once.
fn chunk_len(left: u64) -> usize {
    usize::try_from(left).unwrap_or(BUFFER_LEN).min(BUFFER_LEN)
}

/// The bulk repeats this, long enough to start anywhere in the first period.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut pattern = payload::bytes(1, PERIOD);
    pattern.extend_from_within(..);
    while pattern.len() < PERIOD + BUFFER_LEN {
        pattern.extend_from_within(..PERIOD);
    }
    pattern
});

/// What a message has.
pub(crate) const MESSAGE_LEN: usize = 64;

/// What load and service send and receive at once.
const BUFFER_LEN: usize = 256 * 1024;

/// Buffers are not on it, and there are thousands.
const STACK_LEN: usize = 64 * 1024;

/// A prime, so that no packet, batch or buffer can stand for another.
const PERIOD: usize = 65_521;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_it_announces_and_wants() {
        assert_eq!(lengths(&message(3, 1 << 40)), [3, 1 << 40]);
    }

    #[test]
    fn bulk_continues_from_buffer_to_buffer() {
        for position in [0, 1, PERIOD as u64 - 1, PERIOD as u64, 1_000_000] {
            assert_eq!(bulk_at(position)[1000..2000], bulk_at(position + 1000)[..1000]);
        }
    }
}
