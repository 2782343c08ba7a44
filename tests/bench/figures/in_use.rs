//! Memory of connections in use.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::memory::kib_per_connection;
use super::{Column, Measured, Subject, less};
use crate::load::{Client, each, open_many};

pub(super) const COLUMNS: &[Column] = &[
    less("kib_established", "KiB per connection, just established"),
    less("kib_after_batch", "KiB per connection, after 64 KiB each way"),
];

/// Looks at once: what rests for a second may give its memory back.
pub(super) fn memory(subject: &Subject) -> Result<Measured> {
    let tunnel = subject.tunnel;
    let Some(empty) = tunnel.memory()? else {
        return Ok(vec![None; COLUMNS.len()].into());
    };
    let memory = || tunnel.memory()?.context("daemons that have gone");
    let start = Instant::now();
    let mut clients = open_many(tunnel.entrance(), CONNECTIONS, AT_ONCE, |client| client)?;
    let opening = start.elapsed();
    let established = memory()?;
    // The oldest have not said anything for a while.
    each(&mut clients, AT_ONCE, Client::round_trip)?;
    let start = Instant::now();
    each(&mut clients, AT_ONCE, |client| client.exchange_bulk(BATCH_LEN))?;
    let batches = start.elapsed();
    let used = memory()?;
    let rested = opening.max(batches);
    let note = (rested > AWAKE).then(|| format!("some connections had rested for {rested:.1?}"));
    let values = [established, used].map(|memory| kib_per_connection(empty, memory, CONNECTIONS));
    Ok(Measured { values: values.map(Some).to_vec(), note })
}

const CONNECTIONS: u32 = 300;

/// No more than the original's backlog holds: the kernel tries again after a
/// second.
const AT_ONCE: usize = 8;

const BATCH_LEN: u64 = 64 * 1024;

/// For so long nobody takes a connection to be idle.
const AWAKE: Duration = Duration::from_secs(1);
