//! Messages as pure data. Each is one line of JSON in one datagram; descriptors and
//! secrets accompany it, and the message contains their number.
//!
//! A reader ignores unknown fields and uses defaults for missing ones, so additions do
//! not change the version.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observe::histogram::Distribution;

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Message {
    /// Successor: it is running, and knows these versions.
    Hello {
        /// The newest version of the hand-over that it reads and writes.
        newest: u32,
        /// The oldest one.
        oldest: u32,
        /// The version of the program.
        program: String,
        /// Its process id.
        pid: u32,
    },
    /// Daemon: a source. Descriptors: its sockets, at least one.
    Source(Source),
    /// Daemon: the control socket or the metrics. Descriptors: its sockets.
    Observer(Observer),
    /// Daemon: a pipe. Secrets: the PSKs in use, one after the other.
    Pipe(Pipe),
    /// Daemon: everything except the connections has been sent. Sent again with the
    /// current state of the process before the first `Commit`.
    Inventory(Process),
    /// Successor: it could serve, with these changes.
    Ready {
        /// For a person, a line each.
        said: Vec<String>,
        /// The names of the pipes whose connections it can continue. The connections of
        /// all other pipes stay with the daemon.
        #[serde(default)]
        pipes: Vec<String>,
    },
    /// Successor: it cannot continue, for these reasons, and exits.
    Fault {
        /// For a person, a line each.
        said: Vec<String>,
    },
    /// Daemon: a connection that it has stopped. Descriptors: the socket of the crypt
    /// side, then that of the plain side. Secrets: the state of its session, then the
    /// bytes still to be written inward, then those outward.
    Connection(Connection),
    /// Daemon: this many connections were sent since the last `Commit`. It may send
    /// more, and this message again.
    Sent {
        /// So many.
        connections: u64,
    },
    /// Successor: it has all of these connections, and could continue each.
    Taken {
        /// So many.
        connections: u64,
    },
    /// Daemon: the counters of a pipe since the last such message.
    Numbers(Numbers),
    /// Daemon: it has wiped the states of all connections that it has sent. They belong
    /// to the successor now, and so does everything else.
    Commit,
    /// Successor: it serves, and the pid file names it.
    Serving,
    /// Daemon, after `Commit`: a request to reload settings and keys.
    Reload,
    /// Daemon, after `Commit`: a request to exit that was meant for the successor.
    End,
    /// A message of a later version, which can be ignored.
    #[serde(other)]
    Unknown,
}

/// A source of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Source {
    /// The address, as in the settings ([`Address::text`](crate::net::address::Address::text));
    /// nothing if the service manager has given the sockets to a pipe by its name.
    pub address: Option<OsString>,
    /// The pipe that the sockets were given to.
    pub pipe: Option<String>,
    /// Whether the service manager has these sockets, too.
    pub inherited: bool,
}

/// A socket of the daemon for observers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Observer {
    /// What for.
    pub role: Role,
    /// The address, as in the settings ([`Address::text`](crate::net::address::Address::text)).
    pub address: OsString,
}

/// The kinds of sockets for observers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// The control socket.
    Control,
    /// The metrics.
    Metrics,
}

/// A pipe, without its connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Pipe {
    /// Its name.
    pub name: String,
    /// Whether its source is the crypt side.
    pub decrypts: bool,
    /// The source of its keys: [`KeySource::text`](crate::keys::KeySource::text).
    pub key_source: String,
    /// The keys in use, in the order of the PSKs, then former keys of connections,
    /// which have no PSK.
    pub keys: Vec<Key>,
    /// How many of them are in use.
    pub keys_in_use: usize,
    /// The resolved addresses of its targets and of its local address, if they are
    /// known.
    pub targets: Vec<Target>,
}

/// A key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Key {
    /// Its name, if it has one.
    pub name: Option<OsString>,
    /// Whether a warning about a peer that omits forward secrecy was logged.
    pub without_forward_secrecy: bool,
}

/// An address of outgoing connections: a target or a local one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Target {
    /// As in the settings: [`Address::text`](crate::net::address::Address::text).
    pub address: OsString,
    /// Its endpoints: [`Endpoint::text`](crate::net::resolve::Endpoint::text).
    pub endpoints: Vec<OsString>,
}

/// The state of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Process {
    /// The log level, if it was set temporarily.
    pub log_level: Option<String>,
    /// The number of the last connection.
    pub connections_numbered: u64,
    /// Log lines lost because they were not read in time.
    pub log_lines_lost: u64,
    /// Log lines suppressed because they were beyond their budget.
    pub log_lines_suppressed: u64,
    /// The number of successful and failed upgrades.
    pub upgrades: u64,
    /// See `upgrades`.
    pub upgrades_failed: u64,
    /// The results of reloads.
    pub reloads: Option<Reloads>,
    /// The pid file that names it.
    pub pid_file: Option<OsString>,
}

/// The results of reloads. Times are in milliseconds since the beginning of 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Reloads {
    /// When settings or keys were last read successfully.
    pub last_success: u64,
    /// When the last reload was done, if there was one.
    pub last: Option<u64>,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// What changed, or why nothing did.
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
    /// Its peer, as text.
    pub peer: Option<String>,
    /// Its peer's network, if it has one.
    pub peer_address: Option<IpAddr>,
    /// Its key: the index among [`Pipe::keys`].
    pub key: Option<usize>,
    /// Its age, in milliseconds.
    pub age: u64,
    /// The time since it last moved a byte, in milliseconds.
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
    /// Its stage.
    pub stage: Stage,
    /// How many bytes of the secrets are still to be written.
    pub pending: usize,
}

/// The stages of a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// More bytes may be read.
    #[default]
    Open,
    /// Its end has been read, and follows the bytes still to be written.
    Ending,
    /// Its end has been passed on.
    Done,
}

/// The counters of a pipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Numbers {
    /// The name of the pipe.
    pub pipe: String,
    /// The counters of its connections, named as in
    /// [`Counters`](crate::observe::counters::Counters).
    pub connections: BTreeMap<String, u64>,
    /// The counters of each key, in the order of [`Pipe::keys`].
    pub keys: Vec<BTreeMap<String, u64>>,
    /// Connections closed without being read.
    pub not_allowed: u64,
    /// Connections on which the sandbox failed.
    pub traps: u64,
    /// The time from the start of a connection to its session.
    pub handshakes: Distribution,
    /// The time from the first attempt to a connection to the target.
    pub dials: Distribution,
}

impl Numbers {
    /// The difference to `earlier` counters of the same pipe.
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
