//! What is measured.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{Client, open_many, round_trips, send_bulk};
use crate::peers::Amounts;
use crate::service::Service;
use crate::tunnel::Tunnel;

/// One experiment and the numbers it yields.
pub(crate) struct Figure {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    /// What [`measure`](Self::measure) returns, in order.
    pub(crate) columns: &'static [Column],
    /// Does it once, through processes nobody has used.
    pub(crate) measure: fn(&Tunnel, &Service, &Amounts) -> Result<Values>,
}

/// A number for each column of a figure, or nothing where it does not apply.
pub(crate) type Values = Vec<Option<f64>>;

/// One number of a figure.
pub(crate) struct Column {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// Its heading, with the unit.
    pub(crate) title: &'static str,
    /// Which way is up.
    pub(crate) better: Better,
}

/// Which of two numbers is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// All of them, in the order of the tables. "CPU" is user and system time of
/// all processes between application and service.
pub(crate) const FIGURES: &[Figure] = &[
    Figure {
        id: "bulk-1",
        title: "Bulk one way, 1 connection",
        columns: BULK,
        measure: |tunnel, _, amounts| bulk(tunnel, amounts, 1),
    },
    Figure {
        id: "bulk-8",
        title: "Bulk one way, 8 connections",
        columns: BULK,
        measure: |tunnel, _, amounts| bulk(tunnel, amounts, 8),
    },
    Figure {
        id: "ping-pong",
        title: "Ping-pong of 64 bytes, 1 connection",
        columns: &[
            less("p50_us", "p50 µs"),
            less("p99_us", "p99 µs"),
            less("cpu_us_per_round_trip", "CPU µs per round trip"),
        ],
        measure: |tunnel, _, amounts| ping_pong(tunnel, amounts.round_trips),
    },
    Figure {
        id: "connections-sequential",
        title: "New connections, one after the other",
        columns: CONNECTIONS,
        measure: |tunnel, service, amounts| connections(tunnel, service, amounts.sequential, 1),
    },
    Figure {
        id: "connections-16",
        title: "New connections, 16 at once",
        columns: CONNECTIONS,
        measure: |tunnel, service, amounts| connections(tunnel, service, amounts.concurrent, 16),
    },
    Figure {
        id: "memory",
        title: "Memory of both daemons (PSS)",
        columns: &[
            less("idle_mib", "idle MiB"),
            less("kib_per_connection", "KiB per idle connection, of 400"),
        ],
        measure: |tunnel, service, _| memory(tunnel, service),
    },
    Figure {
        id: "start",
        title: "Start of a daemon",
        columns: &[less("listening_ms", "exec to listening ms")],
        measure: |tunnel, _, _| Ok(vec![tunnel.listening_after().map(millis)]),
    },
];

const BULK: &[Column] = &[more("mb_per_s", "MB/s"), less("cpu_s_per_gb", "CPU s per GB")];

const CONNECTIONS: &[Column] =
    &[more("per_s", "connections/s"), less("cpu_ms_per_connection", "CPU ms per connection")];

fn bulk(tunnel: &Tunnel, amounts: &Amounts, connections: u32) -> Result<Values> {
    let mut clients = open_many(tunnel.entrance(), connections, 1, |client| client)?;
    let length = u64::from(amounts.megabytes) * 1_000_000 / u64::from(connections);
    let before = tunnel.cpu()?;
    let elapsed = send_bulk(&mut clients, length)?;
    let cpu = since(before, tunnel.cpu()?);
    let megabytes = f64::from(amounts.megabytes);
    Ok(vec![
        Some(megabytes / elapsed.as_secs_f64()),
        cpu.map(|cpu| cpu.as_secs_f64() * 1000.0 / megabytes),
    ])
}

fn ping_pong(tunnel: &Tunnel, count: u32) -> Result<Values> {
    let mut client = Client::open(tunnel.entrance())?;
    round_trips(&mut client, WARM_UP)?;
    let before = tunnel.cpu()?;
    let times = round_trips(&mut client, count)?;
    let cpu = since(before, tunnel.cpu()?);
    let percentile = |p: usize| times.get(times.len() * p / 100).copied().map(micros);
    Ok(vec![percentile(50), percentile(99), cpu.map(|cpu| micros(cpu) / f64::from(count))])
}

fn connections(tunnel: &Tunnel, service: &Service, count: u32, at_once: usize) -> Result<Values> {
    let before = tunnel.cpu()?;
    let start = Instant::now();
    open_many(tunnel.entrance(), count, at_once, drop)?;
    let elapsed = start.elapsed();
    // Closing is part of what a connection costs.
    service.wait_until_idle()?;
    thread::sleep(CLOSING);
    let cpu = since(before, tunnel.cpu()?);
    let count = f64::from(count);
    Ok(vec![Some(count / elapsed.as_secs_f64()), cpu.map(|cpu| millis(cpu) / count)])
}

fn memory(tunnel: &Tunnel, service: &Service) -> Result<Values> {
    let Some(idle) = tunnel.memory()? else {
        return Ok(vec![None, None]);
    };
    let clients = open_many(tunnel.entrance(), IDLE_CONNECTIONS, 16, |client| client)?;
    thread::sleep(SETTLING);
    let loaded = tunnel.memory()?.context("daemons that have gone")?;
    if service.active() != clients.len() {
        bail!("{} of {} idle connections are left", service.active(), clients.len());
    }
    let (idle, loaded) = (f64::from(idle), f64::from(loaded));
    Ok(vec![Some(idle / 1024.0), Some((loaded - idle) / f64::from(IDLE_CONNECTIONS))])
}

fn since(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    after?.checked_sub(before?)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

const fn more(id: &'static str, title: &'static str) -> Column {
    Column { id, title, better: Better::More }
}

const fn less(id: &'static str, title: &'static str) -> Column {
    Column { id, title, better: Better::Less }
}

/// Round trips before the clock starts.
const WARM_UP: u32 = 200;

/// For the daemon in front to notice that the one behind has closed.
const CLOSING: Duration = Duration::from_millis(20);

const IDLE_CONNECTIONS: u32 = 400;

/// For daemons to give back what an idle connection does not need.
const SETTLING: Duration = Duration::from_millis(500);
