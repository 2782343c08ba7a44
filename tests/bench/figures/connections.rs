//! Opening connections.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Column, Measured, Subject, less, millis, more, since};
use crate::load::open_many;

pub(super) const COLUMNS: &[Column] =
    &[more("per_s", "connections/s"), less("cpu_ms_per_connection", "CPU ms per connection")];

pub(super) fn open(subject: &Subject, count: u32, at_once: usize) -> Result<Measured> {
    let tunnel = subject.tunnel;
    let before = tunnel.cpu()?;
    let start = Instant::now();
    open_many(tunnel.entrance(), count, at_once, drop)?;
    let elapsed = start.elapsed();
    // Closing is part of what a connection costs.
    subject.service.wait_until_idle()?;
    thread::sleep(CLOSING);
    let cpu = since(before, tunnel.cpu()?);
    let count = f64::from(count);
    Ok(vec![Some(count / elapsed.as_secs_f64()), cpu.map(|cpu| millis(cpu) / count)].into())
}

/// For the daemon in front to notice that the one behind has closed.
const CLOSING: Duration = Duration::from_millis(20);
