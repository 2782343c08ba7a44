//! The application in front of every pipe: plain threads that send, receive and
//! take the time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use spiped_tests::{Endpoint, wait};

use crate::service::{MESSAGE_LEN, message, send, swallow};
use crate::tunnel::tcp_address;

/// A connection to the service.
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects, and exchanges a message, so that the whole way is there.
    pub(crate) fn open(entrance: &Endpoint) -> Result<Self> {
        let stream = TcpStream::connect(tcp_address(entrance)?)
            .with_context(|| format!("connecting to {entrance}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::LIMIT))?;
        stream.set_write_timeout(Some(wait::LIMIT))?;
        let mut client = Self { stream };
        client.round_trip().context("the first message")?;
        Ok(client)
    }

    /// Sends a message and receives it back.
    pub(crate) fn round_trip(&mut self) -> Result<()> {
        let sent = message(0, 0);
        let mut received = [0; MESSAGE_LEN];
        self.stream.write_all(&sent).context("sending a message")?;
        self.stream.read_exact(&mut received).context("receiving a message")?;
        if received != sent {
            bail!("a message came back different");
        }
        Ok(())
    }

    /// Sends a message, receives it back, and returns how long that took.
    pub(crate) fn timed_round_trip(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.round_trip()?;
        Ok(start.elapsed())
    }

    /// Sends so many bytes and waits until the service has them all.
    pub(crate) fn send_bulk(&mut self, length: u64) -> Result<()> {
        self.bulk(length, 0)
    }

    /// Sends so many bytes, then receives as many.
    pub(crate) fn exchange_bulk(&mut self, length: u64) -> Result<()> {
        self.bulk(length, length)
    }

    fn bulk(&mut self, length: u64, back: u64) -> Result<()> {
        self.stream.write_all(&message(length, back)).context("announcing bulk")?;
        send(&mut self.stream, length)?;
        let mut good = [0; 8];
        self.stream.read_exact(&mut good).context("receiving the count of bytes")?;
        let good = u64::from_le_bytes(good);
        if good != length {
            bail!("of {length} bytes, those from {good} on arrived different");
        }
        let good = swallow(&mut self.stream, back).context("receiving bulk")?;
        if good != back {
            bail!("of {back} bytes that came back, those from {good} on are different");
        }
        Ok(())
    }
}

/// Has all clients send so many bytes each, at once, and returns how long it
/// took until the last byte had arrived.
pub(crate) fn send_bulk(clients: &mut [Client], length: u64) -> Result<Duration> {
    let ready = Barrier::new(clients.len() + 1);
    thread::scope(|scope| {
        let senders = clients.iter_mut().map(|client| {
            let ready = &ready;
            scope.spawn(move || {
                ready.wait();
                client.send_bulk(length)
            })
        });
        let senders: Vec<_> = senders.collect();
        ready.wait();
        let start = Instant::now();
        senders.into_iter().try_for_each(join)?;
        Ok(start.elapsed())
    })
}

/// How long each of so many round trips on one connection took, in order of
/// length.
pub(crate) fn round_trips(client: &mut Client, count: u32) -> Result<Vec<Duration>> {
    let mut left = count;
    round_trips_while(client, || left.checked_sub(1).inspect(|less| left = *less).is_some())
}

/// How long each round trip in a time took, in order of length; at least one.
pub(crate) fn round_trips_for(client: &mut Client, time: Duration) -> Result<Vec<Duration>> {
    let start = Instant::now();
    round_trips_while(client, || start.elapsed() < time)
}

fn round_trips_while(
    client: &mut Client,
    mut go_on: impl FnMut() -> bool,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while go_on() {
        times.push(client.timed_round_trip()?);
    }
    times.sort_unstable();
    Ok(times)
}

/// Opens `count` connections, `at_once` at a time, and does with each what
/// `then` says, such as keeping or dropping it.
pub(crate) fn open_many<T: Send>(
    entrance: &Endpoint,
    count: u32,
    at_once: usize,
    then: impl Fn(Client) -> T + Sync,
) -> Result<Vec<T>> {
    let next = AtomicU32::new(0);
    let opened = in_threads(at_once, || {
        let mut done = Vec::new();
        while next.fetch_add(1, Ordering::Relaxed) < count {
            done.push(then(Client::open(entrance)?));
        }
        Ok(done)
    });
    Ok(opened?.into_iter().flatten().collect())
}

/// Does something with each client, `at_once` at a time.
pub(crate) fn each(
    clients: &mut [Client],
    at_once: usize,
    act: impl Fn(&mut Client) -> Result<()> + Sync,
) -> Result<()> {
    let clients = Mutex::new(clients.iter_mut());
    let next = || clients.lock().ok()?.next();
    in_threads(at_once, || {
        while let Some(client) = next() {
            act(client)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Opens and closes connections, `at_once` at a time, as fast as it can while
/// `meanwhile` runs. Returns how many, and what `meanwhile` did.
pub(crate) fn storm<T>(
    entrance: &Endpoint,
    at_once: usize,
    meanwhile: impl FnOnce() -> Result<T>,
) -> Result<(u32, T)> {
    let over = AtomicBool::new(false);
    let opened = AtomicU32::new(0);
    let open = || {
        while !over.load(Ordering::Relaxed) {
            Client::open(entrance)?;
            opened.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(open)).collect();
        let result = meanwhile();
        let opened = opened.load(Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
        threads.into_iter().try_for_each(join)?;
        Ok((opened, result?))
    })
}

fn in_threads<T: Send>(count: usize, work: impl Fn() -> Result<T> + Sync) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(join).collect()
    })
}

fn join<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the load panicked"))?
}
