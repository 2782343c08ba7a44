//! The processes of a peer while they are measured.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};
use spiped_tests::{Endpoint, Lab, Process, wait};

/// A chain of daemons between an entrance and a service; killed on drop.
pub(crate) struct Tunnel {
    entrance: Endpoint,
    daemons: Vec<Daemon>,
    lab: Lab,
}

struct Daemon {
    process: Process,
    cpu_clock: ClockId,
    listening_after: Duration,
}

impl Tunnel {
    /// No daemon at all: the entrance is the service.
    pub(crate) fn to(service: &Endpoint) -> Self {
        Self { entrance: service.clone(), daemons: Vec::new(), lab: Lab::new() }
    }

    /// Starts a daemon in front of all others and waits until it listens.
    /// `spawn` is given the lab, a source to listen on, and the target.
    pub(crate) fn put_in_front(
        &mut self,
        spawn: impl FnOnce(&Lab, &Endpoint, &Endpoint) -> Result<Process>,
    ) -> Result<()> {
        let source = self.lab.tcp();
        let start = Instant::now();
        let mut process = spawn(&self.lab, &source, &self.entrance)?;
        while !is_listening(&source)? {
            if !process.is_running() {
                bail!("the daemon ended instead of listening: {:?}", process.stderr());
            }
            if start.elapsed() > wait::LIMIT {
                bail!("the daemon does not listen on {source}: {:?}", process.stderr());
            }
            thread::sleep(POLL);
        }
        let listening_after = start.elapsed();
        let cpu_clock = clock_getcpuclockid(Pid::from_raw(process.pid()))
            .context("looking for the CPU clock of a daemon")?;
        self.daemons.push(Daemon { process, cpu_clock, listening_after });
        self.entrance = source;
        Ok(())
    }

    /// Where the daemons find their files.
    pub(crate) fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Where the application connects.
    pub(crate) fn entrance(&self) -> &Endpoint {
        &self.entrance
    }

    /// From starting a daemon to its listening, on average over the daemons;
    /// nothing if there are none.
    pub(crate) fn listening_after(&self) -> Option<Duration> {
        let count = u32::try_from(self.daemons.len()).ok().filter(|count| *count > 0)?;
        Some(self.daemons.iter().map(|d| d.listening_after).sum::<Duration>() / count)
    }

    /// User and system time that all daemons have used, threads that have ended
    /// included; nothing if there are no daemons.
    pub(crate) fn cpu(&self) -> Result<Option<Duration>> {
        self.sum(|daemon| {
            let time = clock_gettime(daemon.cpu_clock).context("reading a daemon's CPU clock")?;
            Ok(Duration::from(time))
        })
    }

    /// The memory of all daemons in KiB, with what they share counted in parts
    /// (PSS); nothing if there are no daemons.
    pub(crate) fn memory(&self) -> Result<Option<u32>> {
        self.sum(|daemon| {
            let path = format!("/proc/{}/smaps_rollup", daemon.process.pid());
            let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let words = line.and_then(|line| line.split_whitespace().next());
            words.and_then(|word| word.parse().ok()).with_context(|| format!("no Pss in {path}"))
        })
    }

    /// What the daemons have printed to standard error.
    pub(crate) fn stderr(&self) -> String {
        self.daemons.iter().map(|daemon| daemon.process.stderr()).collect()
    }

    fn sum<T: std::iter::Sum>(&self, value: impl Fn(&Daemon) -> Result<T>) -> Result<Option<T>> {
        if self.daemons.is_empty() {
            return Ok(None);
        }
        self.daemons.iter().map(value).sum::<Result<T>>().map(Some)
    }
}

/// The address of an endpoint that can only be a TCP one.
pub(crate) fn tcp_address(endpoint: &Endpoint) -> Result<SocketAddr> {
    match endpoint {
        Endpoint::Tcp(address) => Ok(*address),
        Endpoint::Unix(path) => bail!("{} is no TCP address", path.display()),
    }
}

/// Whether somebody listens there, found out without a connection, which the
/// daemon would notice: an address that a socket only reserves can be bound
/// once more, one that a socket listens on cannot.
fn is_listening(endpoint: &Endpoint) -> Result<bool> {
    let address = tcp_address(endpoint)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    match socket.bind(&address.into()) {
        Ok(()) => Ok(false),
        Err(e) if e.kind() == ErrorKind::AddrInUse => Ok(true),
        Err(e) => Err(e).with_context(|| format!("looking for a listener on {endpoint}")),
    }
}

/// Short against the time that a daemon takes to start.
const POLL: Duration = Duration::from_micros(100);
