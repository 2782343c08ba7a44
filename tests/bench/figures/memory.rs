//! Memory that connections take while nothing moves.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Column, Measured, Subject, Values, less, more};
use crate::limits;
use crate::load::{Client, each, open_many};

pub(super) const IDLE: &[Column] = &[
    less("idle_mib", "MiB without connections"),
    less("kib_per_connection", "KiB per connection"),
    less("kib_per_connection_after_traffic", "KiB per connection, after 256 KiB on each"),
];

pub(super) fn idle(subject: &Subject) -> Result<Measured> {
    let Some(empty) = subject.tunnel.memory()? else {
        return Ok(vec![None; IDLE.len()].into());
    };
    let (number, note) = allowed(IDLE_CONNECTIONS)?;
    let entrance = subject.tunnel.entrance();
    let mut clients = open_many(entrance, number, AT_ONCE, |client| client)?;
    let idle = settled(subject, &clients)?;
    each(&mut clients, AT_ONCE, |client| client.send_bulk(TRAFFIC_LEN))?;
    let after = settled(subject, &clients)?;
    let values = vec![
        Some(mib(empty)),
        Some(kib_per_connection(empty, idle, number)),
        Some(kib_per_connection(empty, after, number)),
    ];
    Ok(Measured { values, note })
}

/// The numbers of connections at which memory is looked at, and their columns.
/// The last one stands for as many as there may be.
pub(crate) const STEPS: [(u32, Column); 6] = [
    (0, less("mib_0", "MiB at 0")),
    (100, less("mib_100", "at 100")),
    (1000, less("mib_1000", "at 1,000")),
    (2500, less("mib_2500", "at 2,500")),
    (5000, less("mib_5000", "at 5,000")),
    (limits::MANY, less("mib_10000", "at 10,000")),
];

pub(super) const GROWTH: &[Column] = &[
    STEPS[0].1,
    STEPS[1].1,
    STEPS[2].1,
    STEPS[3].1,
    STEPS[4].1,
    STEPS[5].1,
    less("kib_per_connection", "KiB per connection"),
    less("kib_per_connection_after_traffic", "KiB per connection, after 256 KiB on each"),
    more("connections", "most connections"),
];

pub(super) fn growth(subject: &Subject) -> Result<Measured> {
    let Some(empty) = subject.tunnel.memory()? else {
        return Ok(vec![None; GROWTH.len()].into());
    };
    let (most, mut note) = allowed(limits::MANY)?;
    let mut clients = Vec::new();
    let mut values: Values = Vec::new();
    let mut last = (0, empty);
    for (step, _) in STEPS {
        if (most + 1..limits::MANY).contains(&step) {
            values.push(None);
            continue;
        }
        let number = step.min(most);
        match grow(subject, &mut clients, number) {
            Ok(memory) => last = (number, memory),
            Err(error) => {
                let said = subject.tunnel.stderr();
                let said = said.lines().next_back().unwrap_or("nothing");
                note = Some(format!("failed on the way to {step}: {error:#}; its daemons: {said}"));
                break;
            }
        }
        values.push(Some(mib(last.1)));
    }
    values.resize(STEPS.len(), None);
    let (number, memory) = last;
    values.push((number > 0).then(|| kib_per_connection(empty, memory, number)));
    let mut after = None;
    // Those that failed on the way may not work any more.
    if number == most {
        match send_on_all(&mut clients) {
            Ok(()) => after = Some(kib_per_connection(empty, settled(subject, &clients)?, number)),
            Err(error) => note = Some(format!("traffic over all connections: {error:#}")),
        }
    }
    values.push(after);
    values.push(Some(f64::from(number)));
    Ok(Measured { values, note })
}

/// So many connections, or fewer and a note that says so.
fn allowed(wanted: u32) -> Result<(u32, Option<String>)> {
    let number = limits::most_connections()?.min(wanted);
    let files = limits::limit()?;
    let note = (number < wanted)
        .then(|| format!("{number} connections, not {wanted}: the limit of open files is {files}"));
    Ok((number, note))
}

/// Opens connections until there are so many, and returns what they take.
fn grow(subject: &Subject, clients: &mut Vec<Client>, number: u32) -> Result<u32> {
    let more = number.saturating_sub(u32::try_from(clients.len())?);
    let opened = open_many(subject.tunnel.entrance(), more, AT_ONCE, |client| client)?;
    clients.extend(opened);
    settled(subject, clients)
}

/// Traffic on every connection, unless that takes too long.
fn send_on_all(clients: &mut [Client]) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    each(clients, AT_ONCE, |client| {
        if Instant::now() > end {
            bail!("{PATIENCE:?} were not enough");
        }
        client.send_bulk(TRAFFIC_LEN)
    })
}

/// The memory of the daemons when they have come to rest, with all connections.
fn settled(subject: &Subject, clients: &[Client]) -> Result<u32> {
    thread::sleep(SETTLING);
    let active = subject.service.active();
    if active != clients.len() {
        bail!("{active} of {} idle connections are left", clients.len());
    }
    subject.tunnel.memory()?.context("daemons that have gone")
}

fn mib(kib: u32) -> f64 {
    f64::from(kib) / 1024.0
}

pub(super) fn kib_per_connection(empty: u32, loaded: u32, connections: u32) -> f64 {
    (f64::from(loaded) - f64::from(empty)) / f64::from(connections)
}

const IDLE_CONNECTIONS: u32 = 1000;

/// How many are opened or busy at the same time.
const AT_ONCE: usize = 16;

/// Several of any daemon's buffers.
const TRAFFIC_LEN: u64 = 256 * 1024;

/// How long traffic on all connections may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// For daemons to give back what an idle connection does not need.
const SETTLING: Duration = Duration::from_secs(3);
