//! What is compared.

mod haproxy;
mod spiped;
mod stunnel;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use spiped_tests::Endpoint;

use crate::tunnel::Tunnel;

/// A way from an application to a service.
pub(crate) struct Peer {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// Its row in the tables.
    pub(crate) name: &'static str,
    /// Its program; nothing if there is none.
    pub(crate) program: Option<Daemon>,
    /// Whether it takes part in a figure, by the figure's key.
    pub(crate) takes_part: fn(&str) -> bool,
    /// How much work makes a round of about a second per figure.
    pub(crate) amounts: Amounts,
}

/// A program, both ends of whose pipes are measured.
pub(crate) struct Daemon {
    /// Where it is, unless another build of it is named.
    path: fn() -> PathBuf,
    /// What it calls itself.
    version: fn(&Path) -> Result<String>,
    /// How it is set up, for the head of the report; nothing to say if empty.
    setup: &'static str,
    /// Starts both ends in front of the service.
    start: fn(&Path, &Endpoint) -> Result<Tunnel>,
}

/// A peer that is measured.
pub(crate) struct Entrant {
    /// Its key in the JSON file.
    pub(crate) id: String,
    /// Its row in the tables.
    pub(crate) name: String,
    /// What it is.
    pub(crate) peer: &'static Peer,
    /// A build of the peer's program that is used in place of the usual one.
    build: Option<PathBuf>,
}

impl Entrant {
    /// A peer as it is.
    pub(crate) fn usual(peer: &'static Peer) -> Self {
        Self { id: peer.id.into(), name: peer.name.into(), peer, build: None }
    }

    /// The one asked for: a peer's key, or `KEY=PROGRAM` for another build of it.
    pub(crate) fn asked_for(text: &str) -> Result<Self> {
        let (id, build) = text.split_once('=').map_or((text, None), |(id, path)| (id, Some(path)));
        let peer = PEERS.iter().find(|peer| peer.id == id);
        let peer = peer.with_context(|| format!("{id:?} is no peer"))?;
        let Some(path) = build else { return Ok(Self::usual(peer)) };
        if peer.program.is_none() {
            bail!("{id} has no program");
        }
        let build =
            Path::new(path).canonicalize().with_context(|| format!("looking for {path}"))?;
        let name = format!("{} {path}", peer.name);
        Ok(Self { id: text.into(), name, peer, build: Some(build) })
    }

    /// Whether it takes part in a figure, by the figure's key.
    pub(crate) fn takes_part(&self, figure: &str) -> bool {
        // Floods start the usual build themselves.
        (self.peer.takes_part)(figure) && (self.build.is_none() || is_compared(figure))
    }

    /// What its program calls itself, and how it is set up.
    pub(crate) fn description(&self) -> Result<Option<String>> {
        let Some(program) = &self.peer.program else { return Ok(None) };
        let version = (program.version)(&self.path(program))?;
        let setup = (!program.setup.is_empty()).then_some(program.setup);
        Ok(Some(
            [Some(version.as_str()), setup].into_iter().flatten().collect::<Vec<_>>().join("; "),
        ))
    }

    /// Starts its processes in front of the service.
    pub(crate) fn start(&self, target: &Endpoint) -> Result<Tunnel> {
        match &self.peer.program {
            None => Ok(Tunnel::to(target)),
            Some(program) => (program.start)(&self.path(program), target),
        }
    }

    fn path(&self, program: &Daemon) -> PathBuf {
        self.build.clone().unwrap_or_else(program.path)
    }
}

/// The key of the one that others are compared with: [`REFERENCE`], or the first
/// that has a program.
pub(crate) fn reference<'a>(ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let ids: Vec<_> = ids.filter(|id| *id != DIRECT).collect();
    ids.iter().find(|id| **id == REFERENCE).or(ids.first()).copied()
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
        id: DIRECT,
        name: "direct",
        program: None,
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
        name: "Debian's spiped",
        program: Some(spiped::ORIGINAL),
        takes_part: is_compared,
        amounts: OF_THE_ORIGINAL,
    },
    Peer {
        id: UPSTREAM,
        name: "newest spiped",
        program: Some(spiped::NEWEST_ORIGINAL),
        // There it is like the one before, and takes two minutes.
        takes_part: |figure| is_compared(figure) && figure != "memory-growth",
        amounts: OF_THE_ORIGINAL,
    },
    Peer {
        id: OURS,
        name: "ours",
        program: Some(spiped::OURS),
        takes_part: |_| true,
        amounts: OF_OURS,
    },
    Peer {
        id: "spiped-ours-of-100",
        name: "ours, 1 of 100 pipes, metrics on",
        program: Some(spiped::OURS_OF_100),
        // Whatever a process with many pipes could lose to one with a single pipe.
        takes_part: |figure| ["bulk-1", "bulk-8", "ping-pong", "start"].contains(&figure),
        amounts: OF_OURS,
    },
    Peer {
        id: OURS_X25519,
        name: "ours, X25519",
        program: Some(spiped::OURS_X25519),
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
        program: Some(stunnel::DAEMON),
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
        program: Some(haproxy::DAEMON),
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

/// No peer at all.
pub(crate) const DIRECT: &str = "direct";

/// The peer that all others are compared with.
pub(crate) const REFERENCE: &str = "spiped-debian";

/// The newest version of it, which may be faster.
pub(crate) const UPSTREAM: &str = "spiped-upstream";

/// The peer that all this is about.
pub(crate) const OURS: &str = "spiped-ours";

/// It with the faster key exchange.
pub(crate) const OURS_X25519: &str = "spiped-ours-x25519";

/// Everything the program prints about its version.
fn version_text(program: &Path, option: &str) -> Result<String> {
    let output = Command::new(program).arg(option).output();
    let output =
        output.with_context(|| format!("running {}: is it installed?", program.display()))?;
    if !output.status.success() {
        bail!("{} {option}: {}", program.display(), output.status);
    }
    // Some print it to standard output, others to standard error.
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
