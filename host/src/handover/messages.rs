//! Messages as pure data. Each is one line of JSON in one datagram; descriptors and
//! secrets go beside it, and the message says how many there are.
//!
//! A reader passes over fields that it does not know, and takes those that are
//! missing as nothing: what is added later is no new version.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observe::histogram::Distribution;

/// Whatever is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Message {
    /// Successor: it runs, and knows these versions.
    Hello {
        /// The newest version of the hand-over that it reads and writes.
        newest: u32,
        /// The oldest one.
        oldest: u32,
        /// The version of the program.
        program: String,
        /// Its process.
        pid: u32,
    },
    /// Daemon: what it listens on. Descriptors: its sockets, at least one.
    Source(Source),
    /// Daemon: where it meets observers. Descriptors: its sockets.
    Observer(Observer),
    /// Daemon: a pipe. Secrets: its PSKs in use, one after the other.
    Pipe(Pipe),
    /// Daemon: that was all, but for the connections. Before the first `Commit` it
    /// says once more what is known of the process, as it is by then.
    Inventory(Process),
    /// Successor: it could serve. It says what would be different.
    Ready {
        /// For a person, a line each.
        said: Vec<String>,
        /// The names of the pipes whose connections it can go on with. Those of all
        /// others stay with the daemon.
        #[serde(default)]
        pipes: Vec<String>,
    },
    /// Successor: it cannot go on, and why. It ends.
    Fault {
        /// For a person, a line each.
        said: Vec<String>,
    },
    /// Daemon: a connection that it has stopped. Descriptors: the socket of the crypt
    /// side, then that of the plain side. Secrets: the state of its session, then the
    /// bytes that are still to be written inward, then those outward.
    Connection(Connection),
    /// Daemon: so many connections were sent since the last `Commit`. It may send more,
    /// and say so again.
    Sent {
        /// So many.
        connections: u64,
    },
    /// Successor: it has all of those, and could go on with each.
    Taken {
        /// So many.
        connections: u64,
    },
    /// Daemon: what a pipe has counted since it was said last.
    Numbers(Numbers),
    /// Daemon: it has let go of all connections that it has sent. They are the
    /// successor's, and so is everything else.
    Commit,
    /// Successor: it serves, and the pid file names it.
    Serving,
    /// Daemon, after `Commit`: it was asked to read its settings and keys again.
    Reload,
    /// Daemon, after `Commit`: it was asked to end, and the successor was meant.
    End,
    /// What only a later version says: it can be passed over.
    #[serde(other)]
    Unknown,
}

/// What the daemon listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Source {
    /// The address, as in the settings ([`Address::text`](crate::net::address::Address::text));
    /// nothing if the service manager has given the sockets to a pipe by its name.
    pub address: Option<OsString>,
    /// The pipe that they were given to.
    pub pipe: Option<String>,
    /// Whether the service manager has them, too.
    pub inherited: bool,
}

/// Where the daemon meets observers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Observer {
    /// What for.
    pub role: Role,
    /// The address, as in the settings ([`Address::text`](crate::net::address::Address::text)).
    pub address: OsString,
}

/// What observers are met for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// To look and to change.
    Control,
    /// To look.
    Metrics,
}

/// A pipe, without its connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Pipe {
    /// What it is called.
    pub name: String,
    /// Whether its source is the crypt side.
    pub decrypts: bool,
    /// Where its keys are: [`KeySource::text`](crate::keys::KeySource::text).
    pub key_source: String,
    /// The keys in use, in the order of the PSKs. Keys of connections that are no
    /// longer in use follow, without a PSK.
    pub keys: Vec<Key>,
    /// How many of them are in use.
    pub keys_in_use: usize,
    /// What its targets stand for, and what its local address does, as far as that
    /// is known.
    pub targets: Vec<Target>,
}

/// A key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Key {
    /// What it is called, if it has a name.
    pub name: Option<OsString>,
    /// Whether a peer that omits forward secrecy was warned of.
    pub without_forward_secrecy: bool,
}

/// An address that connections go to, or from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Target {
    /// As in the settings: [`Address::text`](crate::net::address::Address::text).
    pub address: OsString,
    /// What the resolver said: [`Endpoint::text`](crate::net::resolve::Endpoint::text).
    pub endpoints: Vec<OsString>,
}

/// What is known of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Process {
    /// The level of the log, if it was set for a while.
    pub log_level: Option<String>,
    /// How many connections have a number.
    pub connections_numbered: u64,
    /// Lines that the log lacks, since nobody took them.
    pub log_lines_lost: u64,
    /// Lines that the log lacks, since they were beyond their budget.
    pub log_lines_suppressed: u64,
    /// Upgrades that came about, and those that did not.
    pub upgrades: u64,
    /// See `upgrades`.
    pub upgrades_failed: u64,
    /// How reloads came out.
    pub reloads: Option<Reloads>,
    /// The pid file that names it.
    pub pid_file: Option<OsString>,
}

/// How reloads came out. Times are in milliseconds since the beginning of 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Reloads {
    /// When settings or keys were read last with success.
    pub last_success: u64,
    /// When the last reload was done, if there has been one.
    pub last: Option<u64>,
    /// Whether that was one with success.
    pub succeeded: bool,
    /// What had changed, or why nothing had.
    pub said: String,
}

/// A connection that was stopped between two batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Connection {
    /// The name of its pipe.
    pub pipe: String,
    /// Its number, as in the log.
    pub id: u64,
    /// Who opened it, in words.
    pub peer: Option<String>,
    /// From which host or network, if it came over one.
    pub peer_address: Option<IpAddr>,
    /// Its key: the index among [`Pipe::keys`].
    pub key: Option<usize>,
    /// For how long it has been there, in milliseconds.
    pub age: u64,
    /// For how long it has moved no byte, in milliseconds.
    pub idle: u64,
    /// Plaintext bytes from the plain side to the peer.
    pub sent: u64,
    /// Plaintext bytes from the peer to the plain side.
    pub received: u64,
    /// How many bytes of the secrets are the state of its session.
    pub state: usize,
    /// From the crypt to the plain side.
    pub inward: Direction,
    /// From the plain to the crypt side.
    pub outward: Direction,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Direction {
    /// How far it has come.
    pub stage: Stage,
    /// How many bytes of the secrets are still to be written.
    pub pending: usize,
}

/// How far a direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// More may come.
    #[default]
    Open,
    /// Its end has come, and follows what is still to be written.
    Ending,
    /// The reader knows that it has ended.
    Done,
}

/// What a pipe has counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Numbers {
    /// The name of the pipe.
    pub pipe: String,
    /// Its connections, by the words of [`Counters`](crate::observe::counters::Counters).
    pub connections: BTreeMap<String, u64>,
    /// Those of each key, in the order of [`Pipe::keys`].
    pub keys: Vec<BTreeMap<String, u64>>,
    /// Closed unheard.
    pub not_allowed: u64,
    /// Connections on which the sandbox failed.
    pub traps: u64,
    /// From the start of a connection to its session.
    pub handshakes: Distribution,
    /// From the first attempt to a connection to the target.
    pub dials: Distribution,
}

impl Numbers {
    /// What has been counted since these `earlier` ones of the same pipe.
    #[must_use]
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let words = |now: &BTreeMap<String, u64>, earlier: Option<&BTreeMap<String, u64>>| {
            let since = |(word, count): (&String, &u64)| {
                let before = earlier.and_then(|it| it.get(word)).copied().unwrap_or_default();
                (word.clone(), count.saturating_sub(before))
            };
            now.iter().map(since).collect()
        };
        let keys = self.keys.iter().enumerate();
        Self {
            pipe: self.pipe.clone(),
            connections: words(&self.connections, Some(&earlier.connections)),
            keys: keys.map(|(index, key)| words(key, earlier.keys.get(index))).collect(),
            not_allowed: self.not_allowed.saturating_sub(earlier.not_allowed),
            traps: self.traps.saturating_sub(earlier.traps),
            handshakes: self.handshakes.since(&earlier.handshakes),
            dials: self.dials.since(&earlier.dials),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn later_fields_are_passed_over_and_missing_ones_are_nothing() {
        let line = r#"{"message":"connection","pipe":"redis","id":7,"colour":"blue"}"#;
        let expected = Connection { pipe: "redis".into(), id: 7, ..Connection::default() };
        assert_eq!(serde_json::from_str::<Message>(line).unwrap(), Message::Connection(expected));
    }

    #[test]
    fn what_a_later_version_says_besides_can_be_passed_over() {
        let line = r#"{"message":"weather","colour":"blue"}"#;
        assert_eq!(serde_json::from_str::<Message>(line).unwrap(), Message::Unknown);
    }

    #[test]
    fn what_was_counted_in_between_is_counted_once() {
        let counted = |accepted, traps| Numbers {
            pipe: "redis".into(),
            connections: BTreeMap::from([("accepted".to_owned(), accepted)]),
            keys: vec![BTreeMap::from([("sent".to_owned(), 10 * accepted)])],
            traps,
            ..Numbers::default()
        };
        assert_eq!(counted(7, 2).since(&counted(5, 2)), counted(2, 0));
        assert_eq!(counted(7, 2).since(&Numbers::default()), counted(7, 2));
    }

    #[test]
    fn lines_are_as_documented() {
        for (message, line) in [
            (Message::Commit, r#"{"message":"commit"}"#),
            (Message::Reload, r#"{"message":"reload"}"#),
            (Message::End, r#"{"message":"end"}"#),
            (Message::Taken { connections: 3 }, r#"{"message":"taken","connections":3}"#),
            (
                Message::Hello { newest: 2, oldest: 1, program: "2.1.0".into(), pid: 7 },
                r#"{"message":"hello","newest":2,"oldest":1,"program":"2.1.0","pid":7}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), line);
            assert_eq!(serde_json::from_str::<Message>(line).unwrap(), message);
        }
    }
}
