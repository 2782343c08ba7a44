//! From what was said to settings: defaults filled in, addresses understood, and
//! what cannot be together found out. Nothing later looks at what was said, and
//! nothing here looks at the system.
//!
//! What is wrong is found in the order in which upstream reports it: what is
//! missing or contradicts something else, then the values.

mod connection;

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;

use super::given::{Given, Said, Value};
use super::number::parse_integer;
use super::options::{Key, OPTIONS, Only};
use super::problem::{Problem, Wrong};
use super::quantity::{
    self, CONNECTION_LIMIT, HANDSHAKES_MAX, LONGEST, RESOLVE_PERIOD, SHORTEST_RESOLVE_PERIOD,
    THREADS_MAX,
};
use super::settings::{Admission, Launch, Mode, PipeSettings, ProcessSettings, SpipeSettings};
use crate::guest::Side;
use crate::keys::KeyPolicy;
use crate::net::address::{Address, AddressError};
use crate::observe::Format;
use crate::process::privileges::IdentityName;

/// Makes settings of what was said. What was said in the first place goes before
/// what was said in others.
#[derive(Debug)]
pub(crate) struct Builder<'a, P> {
    layers: Vec<&'a Given<P>>,
    mode: Mode,
    has_unix_source: bool,
    problems: Vec<Problem<P>>,
}

impl<'a, P: Clone> Builder<'a, P> {
    /// The first of the places is the pipe's own: what means nothing for the pipe
    /// must not stand there, and may stand in the others.
    pub(crate) fn new(layers: Vec<&'a Given<P>>) -> Self {
        Self { layers, mode: Mode::Decrypt, has_unix_source: false, problems: Vec::new() }
    }

    /// All that was wrong so far.
    pub(crate) fn problems(self) -> Vec<Problem<P>> {
        self.problems
    }

    /// The settings of a pipe. They are of use only if there are no problems.
    pub(crate) fn pipe(&mut self, name: Option<Arc<str>>) -> PipeSettings {
        match self.required(Key::Mode).map(|said| &said.value) {
            Some(Value::Mode(mode)) => self.mode = *mode,
            _ => self.mode = Mode::Decrypt,
        }
        let sources = self.required(Key::Source);
        let resolve_period = self.resolve_period();
        if self.mode == Mode::Encrypt {
            self.refuse(Only::Decrypt, &Wrong::OnlyDecrypt);
        }
        self.require_all();
        let sources = self.addresses(sources);
        self.has_unix_source = sources.iter().any(|source| matches!(source, Address::Unix(_)));
        if !self.has_unix_source && !sources.is_empty() {
            self.refuse(Only::UnixSource, &Wrong::OnlyUnixSource);
        }
        let connection = self.connection(match self.mode {
            Mode::Encrypt => Side::Client,
            Mode::Decrypt => Side::Server,
        });
        let name = name.unwrap_or_else(|| {
            let [source, target] = [&sources, &connection.targets].map(|list| list.first());
            let [source, target] =
                [source, target].map(|it| it.map_or_else(String::new, Address::to_string));
            format!("{source} -> {target}").into()
        });
        PipeSettings {
            name,
            sources,
            connection,
            wait_for_dns: self.flag(Key::WaitForDns, false),
            connection_limit: self
                .number(Key::MaxConnections)
                .map_or(Some(CONNECTION_LIMIT), quantity::limit),
            socket_mode: match self.value(Key::SocketMode) {
                Some(Value::FileMode(mode)) => Some(*mode),
                _ => None,
            },
            socket_owner: self.identity(Key::SocketOwner),
            resolve_period,
            key_policy: KeyPolicy {
                connections_per_key: self.number(Key::ConnectionsPerKey).and_then(quantity::limit),
                close_revoked: self.flag(Key::CloseRevoked, false),
            },
            admission: Admission {
                handshakes: self.count(Key::Handshakes, HANDSHAKES_MAX, "1 to 65536"),
                handshakes_per_source: self.count(
                    Key::HandshakesPerSource,
                    HANDSHAKES_MAX,
                    "1 to 65536",
                ),
                allowed: self.networks(Key::Allow),
            },
            proxy_from: self.networks(Key::ProxyFrom),
        }
    }

    /// The settings of the process. They are of use only if there are no
    /// problems. `pid_file` is where the process id goes if nothing is said.
    pub(crate) fn process(&mut self, pid_file: impl FnOnce() -> PathBuf) -> ProcessSettings {
        ProcessSettings {
            launch: if self.flag(Key::Foreground, false) {
                Launch::Foreground
            } else {
                let pid_file = self.path(Key::PidFile).unwrap_or_else(pid_file);
                Launch::Daemon { pid_file, syslog: self.flag(Key::Syslog, false) }
            },
            memory: self.number(Key::Memory),
            threads: self.count(Key::Threads, THREADS_MAX, "1 to 1024"),
            identity: self.identity(Key::User),
            strict: self.flag(Key::Strict, false),
            log_level: self.log_level(),
            log_format: self.log_format(),
            control: self.path(Key::Control),
            metrics: self.metrics(),
            drain: self.time(Key::Drain, None).filter(|time| *time < LONGEST),
            program: self.path(Key::Program),
        }
    }

    /// The settings of `spipe`. They are of use only if there are no problems.
    pub(crate) fn spipe(&mut self) -> SpipeSettings {
        self.require_all();
        SpipeSettings {
            connection: self.connection(Side::Client),
            progress: self.flag(Key::Progress, false),
            strict: self.flag(Key::Strict, false),
            log_level: self.log_level(),
            log_format: self.log_format(),
        }
    }

    fn require_all(&mut self) {
        self.required(Key::Target);
        self.required(Key::Keys);
    }

    fn resolve_period(&mut self) -> Option<Duration> {
        let once = self.said(Key::ResolveOnce);
        let period = match self.value(Key::ResolvePeriod) {
            Some(Value::Time(time)) => time.filter(|time| !time.is_zero()),
            _ => self.time(Key::ResolvePeriod, Some(RESOLVE_PERIOD)),
        };
        match (once, period) {
            (None, period) => {
                let period = period.filter(|period| *period < LONGEST);
                period.map(|period| period.max(SHORTEST_RESOLVE_PERIOD))
            }
            (Some(once), Some(period)) if period != RESOLVE_PERIOD => {
                self.problem(once, Wrong::ResolveOnce);
                None
            }
            (Some(_), _) => None,
        }
    }

    fn metrics(&mut self) -> Option<Address> {
        let said = self.said(Key::Metrics)?;
        let address = self.address(said, Address::parse)?;
        let is_of_this_host = match &address {
            Address::Unix(_) | Address::Abstract(_) => true,
            Address::Literal(literal) => literal.ip().is_loopback(),
            Address::Name { .. } => false,
        };
        if !is_of_this_host {
            self.problem(said, Wrong::MetricsAddress(address));
            return None;
        }
        Some(address)
    }

    /// Refuses what the pipe itself says and is only for others.
    fn refuse(&mut self, only: Only, wrong: &Wrong) {
        let Some(own) = self.layers.first().copied() else { return };
        for option in OPTIONS.iter().filter(|option| option.only == only) {
            if let Some(said) = own.get(option.key) {
                self.problem(said, wrong.clone());
            }
        }
    }

    fn problem(&mut self, said: &Said<P>, wrong: Wrong) {
        let place = Some(said.place.clone());
        self.problems.push(Problem { key: said.option.key, place, wrong });
    }

    fn required(&mut self, key: Key) -> Option<&'a Said<P>> {
        let said = self.said(key);
        let garbled = self.layers.iter().any(|layer| layer.is_garbled(key));
        if said.is_none() && !garbled {
            self.problems.push(Problem { key, place: None, wrong: Wrong::Missing });
        }
        said
    }

    /// What was said about this, if it means anything.
    fn said(&self, key: Key) -> Option<&'a Said<P>> {
        let said = self.layers.iter().find_map(|layer| layer.get(key))?;
        let meant = match said.option.only {
            Only::Any => true,
            Only::Decrypt => self.mode == Mode::Decrypt,
            Only::UnixSource => self.has_unix_source,
        };
        meant.then_some(said)
    }

    fn value(&self, key: Key) -> Option<&'a Value> {
        self.said(key).map(|said| &said.value)
    }

    fn flag(&self, key: Key, default: bool) -> bool {
        match self.value(key) {
            Some(Value::Flag(flag)) => *flag,
            _ => default,
        }
    }

    fn number(&self, key: Key) -> Option<u64> {
        match self.value(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    fn networks(&self, key: Key) -> Vec<ipnet::IpNet> {
        match self.value(key) {
            Some(Value::Networks(networks)) => networks.clone(),
            _ => Vec::new(),
        }
    }

    fn log_level(&self) -> LevelFilter {
        match self.value(Key::LogLevel) {
            Some(Value::LogLevel(level)) => *level,
            _ => LevelFilter::Warn,
        }
    }

    fn log_format(&self) -> Format {
        match self.value(Key::LogFormat) {
            Some(Value::LogFormat(format)) => *format,
            _ => Format::default(),
        }
    }

    /// A number from 1 to `max`; nothing if none is given.
    fn count(&mut self, key: Key, max: u32, range: &'static str) -> Option<NonZeroUsize> {
        let said = self.said(key)?;
        let given = self.number(key)?;
        let count = u32::try_from(given).ok().filter(|count| *count <= max);
        let count = count.and_then(|count| usize::try_from(count).ok()).and_then(NonZeroUsize::new);
        if count.is_none() {
            self.problem(said, Wrong::OutOfRange { value: given.to_string(), range });
        }
        count
    }

    /// A time, or none if it never comes. For upstream's letters, 0 means the
    /// default.
    fn time(&mut self, key: Key, default: Option<Duration>) -> Option<Duration> {
        let Some(said) = self.said(key) else { return default };
        if let Value::Time(time) = said.value {
            return time.map(quantity::bounded);
        }
        let Value::Seconds(seconds) = said.value else { return default };
        if seconds.is_nan() {
            self.problem(said, Wrong::NotATime(seconds.to_string()));
        }
        if seconds.is_nan() || seconds == 0.0 {
            return default;
        }
        Some(quantity::seconds(seconds))
    }

    /// A time after which something happens; 0 and never mean that it does not.
    fn limit(&mut self, key: Key) -> Option<Duration> {
        self.time(key, None).filter(|time| !time.is_zero() && *time < LONGEST)
    }

    fn path(&self, key: Key) -> Option<PathBuf> {
        match self.value(key) {
            Some(Value::Text(path)) => Some(path.into()),
            _ => None,
        }
    }

    fn identity(&mut self, key: Key) -> Option<IdentityName> {
        let said = self.said(key)?;
        let Value::Text(text) = &said.value else { return None };
        let number = |text: &str| parse_integer(text).ok().and_then(|id| u32::try_from(id).ok());
        match IdentityName::parse(&text.to_string_lossy(), number) {
            Ok(identity) => Some(identity),
            Err(fault) => {
                self.problem(said, Wrong::Identity(fault));
                None
            }
        }
    }

    fn addresses(&mut self, said: Option<&Said<P>>) -> Vec<Address> {
        let Some(said) = said else { return Vec::new() };
        let Value::Texts(texts) = &said.value else { return Vec::new() };
        texts.iter().filter_map(|text| self.parse(said, text, Address::parse)).collect()
    }

    fn address(&mut self, said: &Said<P>, parse: ParseAddress) -> Option<Address> {
        let Value::Text(text) = &said.value else { return None };
        self.parse(said, text, parse)
    }

    fn parse(&mut self, said: &Said<P>, text: &OsString, parse: ParseAddress) -> Option<Address> {
        match parse(text) {
            Ok(address) => Some(address),
            Err(fault) => {
                self.problem(said, Wrong::Address(fault));
                None
            }
        }
    }
}

type ParseAddress = fn(&OsStr) -> Result<Address, AddressError>;
