//! How everything is: what status, metrics and the page show, each in its own
//! form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::observe::counters::Numbers;
use crate::observe::histogram::Distribution;

/// How everything is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Overview {
    /// Of the program.
    pub program_version: String,
    /// The process.
    pub pid: u32,
    /// When this was said, and when the process began: seconds since 1970.
    pub now: f64,
    /// See `now`.
    pub started: f64,
    /// How the last reload came out, if there was one.
    pub last_reload: Option<Attempt>,
    /// When settings or keys were read last with success, at the start if they
    /// were not since: seconds since 1970.
    pub last_successful_reload: f64,
    /// How the last upgrade came out, if there was one.
    #[serde(default)]
    pub last_upgrade: Option<Attempt>,
    /// Upgrades that came about, and those that did not: of this process and those
    /// whose place it took.
    #[serde(default)]
    pub upgrades: u64,
    /// See `upgrades`.
    #[serde(default)]
    pub upgrades_failed: u64,
    /// The least severe level that is logged.
    pub log_level: String,
    /// Lines that the log lacks, because nobody took them.
    pub log_lines_lost: u64,
    /// Lines that the log lacks, because there were too many like them.
    pub log_lines_suppressed: u64,
    /// What the process takes.
    pub resources: Resources,
    /// The configured ones in the order of the settings, then those that were
    /// removed and still have connections.
    pub pipes: Vec<Pipe>,
}

/// How a reload or an upgrade came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Attempt {
    /// When: seconds since 1970.
    pub when: f64,
    /// Whether it was done.
    pub succeeded: bool,
    /// What has changed, or why nothing has.
    pub said: String,
}

/// What the process takes. What the system does not tell is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Resources {
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// How many may be open.
    pub descriptors_max: Option<u64>,
    /// Resident memory, in bytes.
    pub memory: Option<u64>,
}

/// A pipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Pipe {
    /// Its name.
    pub name: String,
    /// `encrypt` or `decrypt`.
    pub mode: String,
    /// `listening`, `waiting-for-dns` or `draining`.
    pub state: String,
    /// Where it listens.
    pub sources: Vec<String>,
    /// Where it connects to.
    pub targets: Vec<Target>,
    /// How many connections there may be at once.
    pub connections_max: u64,
    /// What its connections did.
    #[serde(flatten)]
    pub numbers: Account,
    /// Those that have not authenticated, and are listened to.
    pub strangers: u64,
    /// Those that wait for that.
    pub strangers_waiting: u64,
    /// Connections on which the sandbox failed.
    pub sandbox_traps: u64,
    /// Its keys that have names: those in use, then those that are not and
    /// still have connections.
    pub keys: Vec<Key>,
    /// From the start of a connection to its session.
    pub handshake_seconds: Distribution,
    /// From the first attempt to a connection to the target.
    pub dial_seconds: Distribution,
}

/// A target of a pipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Target {
    /// As it was configured.
    pub address: String,
    /// Whether the last attempt to connect to it succeeded, if there was one.
    pub reachable: Option<bool>,
    /// Since when: seconds since 1970.
    pub since: f64,
    /// Why not, if it is not reachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A key that has a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Key {
    /// Its name.
    pub name: String,
    /// Whether it is in use; otherwise it has connections still.
    pub in_use: bool,
    /// What its connections did.
    #[serde(flatten)]
    pub numbers: Account,
}

/// What the connections of a pipe or of a key did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Account {
    /// Connections now.
    pub open: u64,
    /// Connections so far.
    pub accepted: u64,
    /// Those that were refused, by the reason. `not-allowed` are not among the
    /// accepted.
    pub refused: BTreeMap<String, u64>,
    /// Those that were not refused and have ended, by how they did.
    pub ended: BTreeMap<String, u64>,
    /// Plaintext bytes from the plain side to the peer.
    pub sent: u64,
    /// Plaintext bytes from the peer to the plain side.
    pub received: u64,
}

impl Account {
    /// All that were refused.
    #[must_use]
    pub(crate) fn refused_in_all(&self) -> u64 {
        self.refused.values().sum()
    }
}

impl From<&Numbers> for Account {
    fn from(numbers: &Numbers) -> Self {
        let mut account = Self {
            open: numbers.open as u64,
            accepted: numbers.accepted,
            sent: numbers.sent,
            received: numbers.received,
            ..Self::default()
        };
        for (ending, count) in numbers.endings() {
            match ending.refusal() {
                Some(reason) => account.refused.insert(reason.to_owned(), count),
                None => account.ended.insert(ending.word().to_owned(), count),
            };
        }
        account
    }
}
