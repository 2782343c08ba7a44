//! What a client carries, between our own server and this program.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use spiped_tests::{Backend, Client, Lab, LineUp, Link, Origin};

/// For so long bytes flow; the first part does not count.
const FLOW: Duration = Duration::from_secs(4);
const WARM: Duration = Duration::from_secs(1);

const BLOCK: usize = 64 * 1024;
const ROUND_TRIPS: usize = 2000;

/// The rate at which a client seals and sends, in MB/s.
pub(crate) fn sent(client: Origin) -> f64 {
    let (near, far, _running) = Running::start(client);
    rate(near.writer, far.reader)
}

/// The rate at which it receives and opens.
pub(crate) fn received(client: Origin) -> f64 {
    let (near, far, _running) = Running::start(client);
    rate(far.writer, near.reader)
}

/// From standard input to the target and back to standard output, in microseconds: the
/// median.
pub(crate) fn round_trip(client: Origin) -> f64 {
    let (mut near, mut far, _running) = Running::start(client);
    let target = thread::spawn(move || {
        let mut message = [0; 64];
        while far.reader.read_exact(&mut message).is_ok() && far.writer.write_all(&message).is_ok()
        {
        }
    });
    let mut times: Vec<_> = (0..ROUND_TRIPS)
        .map(|_| {
            let start = Instant::now();
            near.send([b'x'; 64]);
            near.receive(64);
            start.elapsed()
        })
        .collect();
    drop(near);
    target.join().unwrap();
    // The first half has code compiled.
    let later = &mut times[ROUND_TRIPS / 2..];
    later.sort();
    later[later.len() / 2].as_secs_f64() * 1e6
}

/// What has to live on until all is measured.
struct Running {
    _lab: Lab,
    _backend: Backend,
    _pair: spiped_tests::Pair,
}

impl Running {
    /// Both ends of a connection through a client and our server.
    fn start(client: Origin) -> (Link, Link, Self) {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let line_up = LineUp { client: Client::Spipe, client_origin: client, ..LineUp::OURS };
        let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
        let mut near = pair.open();
        let mut far = backend.accept().into_link();
        near.send(b"x");
        far.receive(1);
        (near, far, Self { _lab: lab, _backend: backend, _pair: pair })
    }
}

fn rate(mut writer: Box<dyn Write + Send>, mut reader: Box<dyn Read + Send>) -> f64 {
    let start = Instant::now();
    // Until the client is killed.
    thread::spawn(move || {
        let block = vec![b'x'; BLOCK];
        while writer.write_all(&block).is_ok() {}
    });
    let mut buffer = vec![0; BLOCK];
    let (mut bytes, mut counted_from) = (0, start);
    while start.elapsed() < FLOW {
        bytes += reader.read(&mut buffer).unwrap();
        if counted_from == start && start.elapsed() > WARM {
            (bytes, counted_from) = (0, Instant::now());
        }
    }
    let megabytes = f64::from(u32::try_from(bytes / 1000).unwrap()) / 1000.0;
    megabytes / counted_from.elapsed().as_secs_f64()
}
