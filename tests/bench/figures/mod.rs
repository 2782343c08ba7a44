//! What is measured.

mod connections;
mod flood;
mod in_use;
pub(crate) mod memory;
pub(crate) mod redis;
mod transfer;

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::peers::Amounts;
use crate::service::Service;
use crate::tunnel::Tunnel;

/// One experiment and the numbers it yields.
pub(crate) struct Figure {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// The heading of its table.
    pub(crate) title: &'static str,
    /// What [`measure`](Self::measure) returns, in order.
    pub(crate) columns: &'static [Column],
    /// How often at most, for what takes long and varies little.
    pub(crate) rounds: usize,
    /// What is behind the tunnel.
    pub(crate) target: Target,
    /// Whether all processes share one core.
    pub(crate) on_one_core: bool,
    /// Does it once, through processes nobody has used.
    pub(crate) measure: fn(&Subject) -> Result<Measured>,
}

/// A service that a tunnel can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Our own, which the load knows how to talk to.
    Service,
    /// A Redis server.
    Redis,
}

/// What a figure is taken of.
pub(crate) struct Subject<'a> {
    /// The peer's processes.
    pub(crate) tunnel: &'a Tunnel,
    /// The service behind them, unless they lead elsewhere.
    pub(crate) service: &'a Service,
    /// How much work suits the peer.
    pub(crate) amounts: &'a Amounts,
}

/// What one round of a figure of a peer yields.
pub(crate) struct Measured {
    /// The numbers.
    pub(crate) values: Values,
    /// What the reader of the numbers has to know.
    pub(crate) note: Option<String>,
}

impl From<Values> for Measured {
    fn from(values: Values) -> Self {
        Self { values, note: None }
    }
}

/// A number for each column of a figure, or nothing where it does not apply.
pub(crate) type Values = Vec<Option<f64>>;

/// One number of a figure.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    /// Its key in the JSON file.
    pub(crate) id: &'static str,
    /// Its heading, with the unit.
    pub(crate) title: &'static str,
    /// Which way is up.
    pub(crate) better: Better,
}

/// Which of two numbers is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    More,
    Less,
}

/// All of them, in the order of the tables. "CPU" is user and system time of
/// all processes between application and service.
pub(crate) const FIGURES: &[Figure] = &[
    Figure {
        id: "bulk-1",
        title: "Bulk one way, 1 connection",
        columns: transfer::BULK,
        measure: |subject| transfer::bulk(subject, 1),
        ..EVERY_ROUND
    },
    Figure {
        id: "bulk-8",
        title: "Bulk one way, 8 connections",
        columns: transfer::BULK,
        measure: |subject| transfer::bulk(subject, 8),
        ..EVERY_ROUND
    },
    Figure {
        id: "ping-pong",
        title: "Ping-pong of 64 bytes, 1 connection",
        columns: transfer::PING_PONG,
        measure: transfer::ping_pong,
        ..EVERY_ROUND
    },
    Figure {
        id: "ping-pong-pinned",
        title: "Ping-pong of 64 bytes, 1 connection, all processes on one core",
        columns: transfer::PING_PONG,
        on_one_core: true,
        measure: transfer::ping_pong,
        ..EVERY_ROUND
    },
    Figure {
        id: "ping-pong-storm",
        title: "Ping-pong of 64 bytes while 16 threads open connections without pause",
        columns: transfer::STORM,
        measure: transfer::ping_pong_in_storm,
        ..EVERY_ROUND
    },
    Figure {
        id: "wake-up",
        title: "A round trip of 64 bytes on each of 200 connections, one after the other",
        columns: transfer::WAKE_UP,
        rounds: 3,
        measure: transfer::wake_up,
        ..EVERY_ROUND
    },
    Figure {
        id: "redis",
        title: "Redis: GET of 64 bytes by redis-benchmark (one thread), 50 connections",
        columns: redis::COLUMNS,
        target: Target::Redis,
        measure: |subject| redis::get(subject, subject.amounts.requests, 1),
        ..EVERY_ROUND
    },
    Figure {
        id: "redis-pipelined",
        title: "The same, 16 requests sent at once",
        columns: redis::COLUMNS,
        target: Target::Redis,
        measure: |subject| redis::get(subject, 10 * subject.amounts.requests, 16),
        ..EVERY_ROUND
    },
    Figure {
        id: "connections-sequential",
        title: "New connections, one after the other",
        columns: connections::COLUMNS,
        measure: |subject| connections::open(subject, subject.amounts.sequential, 1),
        ..EVERY_ROUND
    },
    Figure {
        id: "connections-16",
        title: "New connections, 16 at once",
        columns: connections::COLUMNS,
        measure: |subject| connections::open(subject, subject.amounts.concurrent, 16),
        ..EVERY_ROUND
    },
    Figure {
        id: "memory-in-use",
        title: "Memory of both daemons (PSS), 300 connections in use",
        columns: in_use::COLUMNS,
        measure: in_use::memory,
        ..EVERY_ROUND
    },
    Figure {
        id: "memory",
        title: "Memory of both daemons (PSS), 1,000 idle connections",
        columns: memory::IDLE,
        rounds: 3,
        measure: memory::idle,
        ..EVERY_ROUND
    },
    Figure {
        id: "memory-growth",
        title: "Memory of both daemons (PSS) by the number of idle connections, once",
        columns: memory::GROWTH,
        rounds: 1,
        measure: memory::growth,
        ..EVERY_ROUND
    },
    Figure {
        id: "flood",
        title: "Flood of strangers from one source, 1 key",
        columns: flood::COLUMNS,
        rounds: 1,
        measure: |subject| flood::flood(subject, 1),
        ..EVERY_ROUND
    },
    Figure {
        id: "flood-1024",
        title: "Flood of strangers from one source, 1,024 keys",
        columns: flood::COLUMNS,
        rounds: 1,
        measure: |subject| flood::flood(subject, 1024),
        ..EVERY_ROUND
    },
    Figure {
        id: "start",
        title: "Start of a daemon",
        columns: &[less("listening_ms", "exec to listening ms")],
        measure: |subject| Ok(vec![subject.tunnel.listening_after().map(millis)].into()),
        ..EVERY_ROUND
    },
];

/// What most figures have in common.
const EVERY_ROUND: Figure = Figure {
    id: "",
    title: "",
    columns: &[],
    rounds: usize::MAX,
    target: Target::Service,
    on_one_core: false,
    measure: |_| Ok(Vec::new().into()),
};

fn since(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    after?.checked_sub(before?)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

const fn more(id: &'static str, title: &'static str) -> Column {
    Column { id, title, better: Better::More }
}

const fn less(id: &'static str, title: &'static str) -> Column {
    Column { id, title, better: Better::Less }
}
