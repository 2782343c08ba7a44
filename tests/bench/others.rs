//! What else the machine does meanwhile.

use std::time::{Duration, Instant};
use std::{fs, process};

use anyhow::{Context, Result};

use crate::machine::cores;

/// Watches the processor time of everybody else: of processes that are neither
/// this one nor its children, and of other machines on the same hardware.
pub(crate) struct Others {
    since: Instant,
    before: Duration,
}

impl Others {
    /// Begins now.
    pub(crate) fn watch() -> Result<Self> {
        Ok(Self { since: Instant::now(), before: used()? })
    }

    /// Their share of the time of all cores since then.
    pub(crate) fn share(&self) -> Result<f64> {
        let elapsed = self.since.elapsed() * u32::try_from(cores()?)?;
        // Whoever ends unwaited for takes its time along.
        let used = used()?.saturating_sub(self.before);
        Ok(used.as_secs_f64() / elapsed.as_secs_f64())
    }
}

/// So far. What has ended is part of what its parent has used.
fn used() -> Result<Duration> {
    let this = process::id();
    let mut ticks = 0;
    for entry in fs::read_dir(PROCESSES).with_context(|| format!("reading {PROCESSES}"))? {
        // Some entries are no processes, and some end before they are read.
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("{PROCESSES}/{pid}/stat")) else { continue };
        let (parent, used) = parent_and_ticks(&stat).with_context(|| format!("in {stat:?}"))?;
        if ![pid, parent].iter().any(|id| [this, KERNEL_THREADS].contains(id)) {
            ticks += used;
        }
    }
    let stat = fs::read_to_string(TOTALS).with_context(|| format!("reading {TOTALS}"))?;
    ticks += stolen_ticks(&stat).with_context(|| format!("in {TOTALS}"))?;
    Ok(TICK * u32::try_from(ticks).context("more ticks than a machine has")?)
}

/// The parent's id, and the time of a process and of its children that have ended.
fn parent_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // The name before it may contain anything.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
    Some((fields[1].parse().ok()?, times.sum::<Option<u64>>()?))
}

fn stolen_ticks(stat: &str) -> Option<u64> {
    stat.lines().next()?.split_whitespace().nth(8)?.parse().ok()
}

/// They work for whoever uses the kernel, this program above all.
const KERNEL_THREADS: u32 = 2;

/// The kernel's unit for programs, whatever its own is.
const TICK: Duration = Duration::from_millis(10);

const PROCESSES: &str = "/proc";
const TOTALS: &str = "/proc/stat";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_process_are_found_whatever_its_name() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 5";
        assert_eq!(parent_and_ticks(stat), Some((3, 4330)));
    }

    #[test]
    fn stolen_time_is_found() {
        assert_eq!(stolen_ticks("cpu  1 2 3 4 5 6 7 80 9 10\ncpu0 1 2\n"), Some(80));
    }

    #[test]
    fn this_machine_can_be_watched() {
        let others = Others::watch().expect("a /proc");
        assert!(others.share().expect("a /proc") >= 0.0);
    }
}
