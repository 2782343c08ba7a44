//! Bytes through connections that are there.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Column, Measured, Subject, less, micros, more, since};
use crate::load::{Client, open_many, round_trips, round_trips_for, send_bulk, storm};

pub(super) const BULK: &[Column] =
    &[more("mb_per_s", "MB/s"), less("cpu_s_per_gb", "CPU s per GB")];

pub(super) fn bulk(subject: &Subject, connections: u32) -> Result<Measured> {
    let (tunnel, megabytes) = (subject.tunnel, subject.amounts.megabytes);
    let mut clients = open_many(tunnel.entrance(), connections, 1, |client| client)?;
    let length = u64::from(megabytes) * 1_000_000 / u64::from(connections);
    let before = tunnel.cpu()?;
    let elapsed = send_bulk(&mut clients, length)?;
    let cpu = since(before, tunnel.cpu()?);
    let megabytes = f64::from(megabytes);
    Ok(vec![
        Some(megabytes / elapsed.as_secs_f64()),
        cpu.map(|cpu| cpu.as_secs_f64() * 1000.0 / megabytes),
    ]
    .into())
}

pub(super) const PING_PONG: &[Column] = &[
    less("p50_us", "p50 µs"),
    less("p99_us", "p99 µs"),
    less("cpu_us_per_round_trip", "CPU µs per round trip"),
];

pub(super) fn ping_pong(subject: &Subject) -> Result<Measured> {
    let (tunnel, count) = (subject.tunnel, subject.amounts.round_trips);
    let mut client = Client::open(tunnel.entrance())?;
    round_trips(&mut client, WARM_UP)?;
    let before = tunnel.cpu()?;
    let times = round_trips(&mut client, count)?;
    let cpu = since(before, tunnel.cpu()?);
    Ok(vec![
        percentile(&times, 50),
        percentile(&times, 99),
        cpu.map(|cpu| micros(cpu) / f64::from(count)),
    ]
    .into())
}

/// Latency alone would reward who lets connections wait.
pub(super) const STORM: &[Column] = &[
    less("p50_us", "p50 µs"),
    less("p99_us", "p99 µs"),
    more("connections_per_s", "connections/s meanwhile"),
];

pub(super) fn ping_pong_in_storm(subject: &Subject) -> Result<Measured> {
    let entrance = subject.tunnel.entrance();
    let mut client = Client::open(entrance)?;
    round_trips(&mut client, WARM_UP)?;
    let start = Instant::now();
    let (opened, (times, elapsed)) = storm(entrance, STORM_THREADS, || {
        thread::sleep(RISING);
        let times = round_trips_for(&mut client, STORM_TIME)?;
        Ok((times, start.elapsed()))
    })?;
    Ok(vec![
        percentile(&times, 50),
        percentile(&times, 99),
        Some(f64::from(opened) / elapsed.as_secs_f64()),
    ]
    .into())
}

pub(super) const WAKE_UP: &[Column] = &[
    less("idle_p50_us", "p50 µs after 3 s of silence"),
    less("p50_us", "p50 µs right after that"),
    less("cpu_us_of_waking", "CPU µs more, first time"),
];

/// One round trip on each of many connections that were idle, then another.
pub(super) fn wake_up(subject: &Subject) -> Result<Measured> {
    let tunnel = subject.tunnel;
    let mut clients = open_many(tunnel.entrance(), SLEEPERS, 16, |client| client)?;
    thread::sleep(SILENCE);
    let mut pass = || {
        let before = tunnel.cpu()?;
        let mut times =
            clients.iter_mut().map(Client::timed_round_trip).collect::<Result<Vec<_>>>()?;
        times.sort_unstable();
        let cpu = since(before, tunnel.cpu()?).map(|cpu| micros(cpu) / f64::from(SLEEPERS));
        anyhow::Ok((percentile(&times, 50), cpu))
    };
    let (first, first_cpu) = pass()?;
    let (second, second_cpu) = pass()?;
    let waking = first_cpu.zip(second_cpu).map(|(first, second)| first - second);
    Ok(vec![first, second, waking].into())
}

/// Of sorted times, in microseconds.
fn percentile(times: &[Duration], percent: usize) -> Option<f64> {
    times.get(times.len() * percent / 100).copied().map(micros)
}

/// Round trips before the clock starts.
const WARM_UP: u32 = 200;

const STORM_THREADS: usize = 16;

/// For a storm to reach its full strength.
const RISING: Duration = Duration::from_millis(200);

const SLEEPERS: u32 = 200;

const SILENCE: Duration = Duration::from_secs(3);

/// Long enough for a hundred round trips of the slowest.
const STORM_TIME: Duration = Duration::from_secs(2);
