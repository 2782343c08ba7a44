//! What `spiped` and `spipe` will do.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;

use crate::guest::Config;
use crate::keys::{KeyPolicy, KeyRules, KeySource};
use crate::net::address::Address;
use crate::observe::Format;
use crate::process::privileges::IdentityName;

/// What `spiped` will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub source: Address,
    /// What happens to each connection.
    pub pipe: PipeSettings,
    /// Keep on trying names that cannot be resolved at start.
    pub wait_for_dns: bool,
    /// In the background or not.
    pub launch: Launch,
    /// How many connections at once; `None`: any number.
    pub connection_limit: Option<NonZeroUsize>,
    /// How much memory peers may make it take, in bytes; `None`: any.
    pub memory: Option<u64>,
    /// The mode of a Unix source; `None`: by the file mode mask.
    pub socket_mode: Option<u32>,
    /// Whose a Unix source is; `None`: ours.
    pub socket_owner: Option<IdentityName>,
    /// How often to look up the target again; `None`: never.
    pub resolve_period: Option<Duration>,
    /// What holding an accepted key does not suffice for.
    pub key_policy: KeyPolicy,
    /// Whom to listen to.
    pub admission: Admission,
    /// How many event loops, and how many threads that compute; `None`: one for
    /// each processor.
    pub threads: Option<NonZeroUsize>,
    /// Whom to become after start.
    pub identity: Option<IdentityName>,
    /// Do not run with less than the whole sandbox.
    pub strict: bool,
    /// What to log.
    pub log_level: LevelFilter,
    /// And in which form.
    pub log_format: Format,
}

/// Whom `spiped` listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// How many strangers at once; `None`: as many as fit the connections.
    pub handshakes: Option<NonZeroUsize>,
    /// How many of them from one source; `None`: half of them.
    pub handshakes_per_source: Option<NonZeroUsize>,
    /// The networks they may come from; none: any.
    pub allowed: Vec<IpNet>,
}

/// What `spipe` will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpipeSettings {
    /// What happens to its one connection.
    pub pipe: PipeSettings,
    /// Do not run with less than the whole sandbox.
    pub strict: bool,
    /// What to log.
    pub log_level: LevelFilter,
    /// And in which form.
    pub log_format: Format,
}

/// What both programs do with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeSettings {
    /// What sessions are told.
    pub config: Config,
    /// Where to connect.
    pub target: Address,
    /// What to bind the target socket to.
    pub bind: Option<Address>,
    /// Where the keys are.
    pub keys: KeySource,
    /// What speaks against a key is an error.
    pub strict_keys: bool,
    /// TCP keep-alive on both sockets.
    pub keepalive: bool,
    /// For connecting, and again for the handshake.
    pub time_limit: Duration,
}

impl PipeSettings {
    /// What is demanded of the keys of a program that becomes this user, if
    /// any.
    #[must_use]
    pub fn key_rules(&self, user: Option<u32>) -> KeyRules {
        KeyRules { strict: self.strict_keys, user }
    }
}

/// How `spiped` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// `-F`: as started, without a pid file and logging to standard error.
    Foreground,
    /// In the background.
    Daemon {
        /// Where the process id goes.
        pid_file: PathBuf,
        /// Log to syslog once in the background.
        syslog: bool,
    },
}
