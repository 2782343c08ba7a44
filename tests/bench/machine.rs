//! What the figures were measured on.

use std::{fs, thread};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The machine.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The CPU's model.
    pub(crate) cpu: String,
    /// How many CPUs this program may use.
    pub(crate) cores: usize,
    /// The release of the Linux kernel.
    pub(crate) kernel: String,
}

impl Machine {
    /// This one.
    pub(crate) fn look_up() -> Result<Self> {
        let kernel = fs::read_to_string(KERNEL).with_context(|| format!("reading {KERNEL}"))?;
        let cpus = fs::read_to_string(CPUS).with_context(|| format!("reading {CPUS}"))?;
        Ok(Self {
            cpu: cpu_model(&cpus).unwrap_or("CPU of unknown model").to_owned(),
            cores: cores()?,
            kernel: kernel.trim().to_owned(),
        })
    }
}

/// How many CPUs this program may use.
pub(crate) fn cores() -> Result<usize> {
    Ok(thread::available_parallelism().context("counting CPUs")?.get())
}

/// Not every architecture names it.
fn cpu_model(cpus: &str) -> Option<&str> {
    let line = cpus.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

const KERNEL: &str = "/proc/sys/kernel/osrelease";
const CPUS: &str = "/proc/cpuinfo";
