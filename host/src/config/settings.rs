//! What `spiped` and `spipe` will do.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;

use crate::guest::Config;
use crate::keys::{KeyPolicy, KeyRules, KeySource};
use crate::net::address::Address;
use crate::net::proxy::ProxyVersion;
use crate::net::socket::KeepAlive;
use crate::net::targets::Balance;
use crate::observe::Format;
use crate::process::privileges::IdentityName;

/// What `spiped` will do: one process, and any number of pipes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who said so: where a reload looks again.
    pub origin: Origin,
    /// What is said once for all pipes.
    pub process: ProcessSettings,
    /// At least one. No two have the same name.
    pub pipes: Vec<PipeSettings>,
}

impl Settings {
    /// Whether they are options, of which a reload changes none.
    #[must_use]
    pub fn is_command_line(&self) -> bool {
        self.origin == Origin::CommandLine
    }
}

/// Where settings come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Options: they stay as they are.
    CommandLine,
    /// `--config`: a file that can have changed.
    File(FileWords),
}

/// A command line that names a file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWords {
    /// `--config`.
    pub path: PathBuf,
    /// `-F`.
    pub foreground: bool,
    /// `-p`, which goes before what the file says.
    pub pid_file: Option<PathBuf>,
}

/// What the process does, whatever its pipes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// In the background or not.
    pub launch: Launch,
    /// How much memory peers may make it take, in bytes; `None`: any.
    pub memory: Option<u64>,
    /// How many event loops, and how many threads that compute; `None`: one for
    /// each processor.
    pub threads: Option<NonZeroUsize>,
    /// The user to become after start.
    pub identity: Option<IdentityName>,
    /// Do not run with less than the whole sandbox.
    pub strict: bool,
    /// The least severe level that is logged.
    pub log_level: LevelFilter,
    /// The form of a line of the log.
    pub log_format: Format,
    /// The path of the control socket; `None`: there is none.
    pub control: Option<PathBuf>,
    /// Where metrics are served: a loopback or Unix address; `None`: nowhere.
    pub metrics: Option<Address>,
    /// How long established connections have to end once the process is told to
    /// finish; then they are reset. `None`: any time.
    pub drain: Option<Duration>,
    /// What an upgrade starts; `None`: what this process was started from.
    pub program: Option<PathBuf>,
}

/// A pipe of `spiped`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeSettings {
    /// What it is called. Without a file of settings: `SOURCE -> TARGET`.
    pub name: Arc<str>,
    /// Where to listen: at least one address.
    pub sources: Vec<Address>,
    /// What happens to each connection.
    pub connection: ConnectionSettings,
    /// Keep on trying names that cannot be resolved at start.
    pub wait_for_dns: bool,
    /// How many connections at once; `None`: any number.
    pub connection_limit: Option<NonZeroUsize>,
    /// The mode of a Unix source; `None`: by the file mode mask.
    pub socket_mode: Option<u32>,
    /// The owner of a Unix source; `None`: ours.
    pub socket_owner: Option<IdentityName>,
    /// How often to look up the targets again; `None`: never.
    pub resolve_period: Option<Duration>,
    /// What holding an accepted key does not suffice for.
    pub key_policy: KeyPolicy,
    /// Which strangers are listened to.
    pub admission: Admission,
    /// Load balancers in front, which say with the PROXY protocol where each
    /// connection comes from. From others, that protocol is not understood.
    pub proxy_from: Vec<IpNet>,
}

/// Which strangers `spiped` listens to.
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
    pub connection: ConnectionSettings,
    /// Show in the terminal how far it has come.
    pub progress: bool,
    /// Do not run with less than the whole sandbox.
    pub strict: bool,
    /// The least severe level that is logged.
    pub log_level: LevelFilter,
    /// The form of a line of the log.
    pub log_format: Format,
}

/// What both programs do with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// What sessions are told.
    pub config: Config,
    /// Where to connect: at least one address.
    pub targets: Vec<Address>,
    /// Which of them is dialled first.
    pub balance: Balance,
    /// What to bind the target socket to.
    pub bind: Option<Address>,
    /// Where the keys are.
    pub keys: KeySource,
    /// Treat what speaks against a key as an error.
    pub strict_keys: bool,
    /// TCP keep-alive probes on both sockets; `None`: none.
    pub keepalive: Option<KeepAlive>,
    /// `TCP_USER_TIMEOUT` of both sockets; `None`: the system's.
    pub user_timeout: Option<Duration>,
    /// For connecting, and again for the handshake.
    pub time_limit: Duration,
    /// How long an established connection may move no byte; `None`: any time.
    pub idle_limit: Option<Duration>,
    /// The same once one direction has ended; `None`: any time.
    pub half_closed_limit: Option<Duration>,
    /// Whether the target is told with the PROXY protocol who connects.
    pub proxy_to: Option<ProxyVersion>,
}

impl ConnectionSettings {
    /// What is demanded of the keys of a program that becomes this user, if
    /// any.
    #[must_use]
    pub fn key_rules(&self, user: Option<u32>) -> KeyRules {
        KeyRules { strict: self.strict_keys, user }
    }
}

/// Which side of a pipe is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The source is plain, the target is crypt.
    Encrypt,
    /// The source is crypt, the target is plain.
    Decrypt,
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

impl Launch {
    /// Where the process id goes, if it goes anywhere.
    #[must_use]
    pub fn pid_file(&self) -> Option<&Path> {
        match self {
            Self::Foreground => None,
            Self::Daemon { pid_file, .. } => Some(pid_file),
        }
    }
}
