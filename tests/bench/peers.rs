//! What is compared.

use std::process::Command;

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Origin, Program, Spiped};

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
    /// Connections opened and closed by several threads.
    pub(crate) concurrent: u32,
}

/// All of them, in the order of the tables.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        id: "direct",
        name: "direct",
        version: || Ok(None),
        start: |target| Ok(Tunnel::to(target)),
        amounts: Amounts {
            megabytes: 2400,
            round_trips: 20_000,
            sequential: 1000,
            concurrent: 2000,
        },
    },
    Peer {
        id: "spiped-debian",
        name: "spiped (Debian)",
        version: || spiped_version(Origin::Debian),
        start: |target| spiped(Origin::Debian, target),
        amounts: Amounts { megabytes: 120, round_trips: 6000, sequential: 100, concurrent: 200 },
    },
    Peer {
        id: "spiped-ours",
        name: "spiped (ours)",
        version: || spiped_version(Origin::Ours),
        start: |target| spiped(Origin::Ours, target),
        amounts: Amounts { megabytes: 400, round_trips: 6000, sequential: 100, concurrent: 240 },
    },
];

/// The peer that all others are compared with.
pub(crate) const REFERENCE: usize = 1;

fn spiped_version(origin: Origin) -> Result<Option<String>> {
    let path = Program::Spiped.path(origin);
    let output = Command::new(&path).arg("-v").output();
    let output = output.with_context(|| format!("running {}", path.display()))?;
    // The original prints its version to standard error.
    let text = [output.stdout, output.stderr].concat();
    Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
}

fn spiped(origin: Origin, target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    for mode in [Spiped::decrypt, Spiped::encrypt] {
        tunnel.put_in_front(|lab, source, target| {
            mode(lab, target).of(origin).source(source).args(&["-n", MAX_CONNECTIONS]).spawn()
        })?;
    }
    Ok(tunnel)
}

/// More than any figure opens at once.
const MAX_CONNECTIONS: &str = "2000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_is_the_original() {
        assert_eq!(PEERS[REFERENCE].id, "spiped-debian");
    }
}
