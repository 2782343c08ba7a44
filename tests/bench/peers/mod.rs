//! What is compared.

mod haproxy;
mod spiped;
mod stunnel;

use std::process::Command;

use anyhow::{Context, Result, bail};
use spiped_tests::{Endpoint, Origin};

use crate::tunnel::Tunnel;

/// A way from an application to a service.
pub(crate) struct Peer {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// Its row in the tables.
    pub(crate) name: &'static str,
    /// What its program calls itself; nothing if there is no program.
    pub(crate) version: fn() -> Result<Option<String>>,
    /// Starts its processes in front of the service.
    pub(crate) start: fn(&Endpoint) -> Result<Tunnel>,
    /// Whether it takes part in a figure, by the figure's key.
    pub(crate) takes_part: fn(&str) -> bool,
    /// How much work makes a round of about a second per figure.
    pub(crate) amounts: Amounts,
}

/// How much work one round is.
pub(crate) struct Amounts {
    /// Bytes in one direction, in megabytes (10⁶), over all connections.
    pub(crate) megabytes: u32,
    /// Messages sent and received back on one connection.
    pub(crate) round_trips: u32,
    /// Connections opened and closed one after the other.
    pub(crate) sequential: u32,
    /// Connections opened and closed by several threads. The backlog of the
    /// original overflows, and the kernel tries again after a second: there
    /// must be enough for that not to be all one sees.
    pub(crate) concurrent: u32,
    /// Requests to Redis, each sent after the answer to the one before; ten
    /// times as many where they are pipelined.
    pub(crate) requests: u32,
}

/// All of them, in the order of the tables.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        id: "direct",
        name: "direct",
        version: || Ok(None),
        start: |target| Ok(Tunnel::to(target)),
        takes_part: is_compared,
        amounts: Amounts {
            megabytes: 2400,
            round_trips: 20_000,
            sequential: 1000,
            concurrent: 2000,
            requests: 100_000,
        },
    },
    Peer {
        id: REFERENCE,
        name: "spiped (Debian)",
        version: || spiped::version(Origin::Debian),
        start: |target| spiped::start(Origin::Debian, target, &[]),
        takes_part: is_compared,
        amounts: OF_THE_ORIGINAL,
    },
    Peer {
        id: UPSTREAM,
        name: "spiped (newest)",
        version: || spiped::version(Origin::Upstream),
        start: |target| spiped::start(Origin::Upstream, target, &[]),
        takes_part: |_| true,
        amounts: OF_THE_ORIGINAL,
    },
    Peer {
        id: OURS,
        name: "spiped (ours)",
        version: || spiped::version(Origin::Ours),
        start: |target| spiped::start(Origin::Ours, target, &[]),
        takes_part: |_| true,
        amounts: OF_OURS,
    },
    Peer {
        id: "spiped-ours-of-100",
        name: "spiped (ours, 1 of 100 pipes, metrics on)",
        version: || Ok(None),
        start: |target| spiped::start_one_of(100, target),
        // Whatever a process with many pipes could lose to one with a single pipe.
        takes_part: |figure| ["bulk-1", "bulk-8", "ping-pong", "start"].contains(&figure),
        amounts: OF_OURS,
    },
    Peer {
        id: "spiped-ours-x25519",
        name: "spiped (ours, x25519)",
        version: || Ok(None),
        start: |target| spiped::start(Origin::Ours, target, &["--kex", "x25519"]),
        // The rest does not depend on how the handshake went.
        takes_part: |figure| figure.starts_with("connections-"),
        amounts: Amounts {
            megabytes: 900,
            round_trips: 6000,
            sequential: 300,
            concurrent: 1000,
            requests: 80_000,
        },
    },
    Peer {
        id: "stunnel",
        name: "stunnel",
        version: stunnel::version,
        start: stunnel::start,
        takes_part: is_compared,
        amounts: Amounts {
            megabytes: 900,
            round_trips: 6000,
            sequential: 300,
            concurrent: 1000,
            requests: 30_000,
        },
    },
    Peer {
        id: "haproxy",
        name: "HAProxy",
        version: haproxy::version,
        start: haproxy::start,
        takes_part: is_compared,
        amounts: Amounts {
            megabytes: 900,
            round_trips: 6000,
            sequential: 300,
            concurrent: 1000,
            requests: 80_000,
        },
    },
];

/// Either version of it.
const OF_THE_ORIGINAL: Amounts = Amounts {
    megabytes: 120,
    round_trips: 6000,
    sequential: 100,
    concurrent: 800,
    requests: 60_000,
};

/// Ours, however many pipes it has.
const OF_OURS: Amounts = Amounts {
    megabytes: 900,
    round_trips: 6000,
    sequential: 100,
    concurrent: 800,
    requests: 80_000,
};

/// Floods are for ours only: the others have no way to tell strangers apart.
fn is_compared(figure: &str) -> bool {
    !figure.starts_with("flood")
}

/// The peer that all others are compared with.
pub(crate) const REFERENCE: &str = "spiped-debian";

/// The newest version of it, which may be faster.
pub(crate) const UPSTREAM: &str = "spiped-upstream";

/// The peer that all this is about.
pub(crate) const OURS: &str = "spiped-ours";

/// Everything the program prints about its version.
fn version_text(program: &str, option: &str) -> Result<String> {
    let output = Command::new(program).arg(option).output();
    let output = output.with_context(|| format!("running {program}: is it installed?"))?;
    if !output.status.success() {
        bail!("{program} {option}: {}", output.status);
    }
    // Some print it to standard output, others to standard error.
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
