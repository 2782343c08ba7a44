//! Settings as a file says them: of each key, what it would have to say for these
//! settings.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::options::Key;
use super::quantity::LONGEST;
use super::settings::{Launch, Mode, PipeSettings, ProcessSettings};
use super::words::{Word, show_network, show_size, show_time};
use crate::guest::{ClientConfig, Config, ForwardSecrecy, KeyExchange, ServerConfig, Side};
use crate::keys::KeySource;
use crate::keys::file::KeyFile;
use crate::net::address::Address;
use crate::process::privileges::IdentityName;

/// What is said of a process about this; `None`: nothing.
pub(super) fn of_process(key: Key, process: &ProcessSettings) -> Option<String> {
    match key {
        Key::PidFile => match &process.launch {
            Launch::Foreground => None,
            Launch::Daemon { pid_file, .. } => Some(path(pid_file)),
        },
        Key::Syslog => {
            Some(matches!(process.launch, Launch::Daemon { syslog: true, .. }).to_string())
        }
        Key::User => process.identity.as_ref().map(identity),
        Key::Memory => process.memory.map(|size| quoted(&show_size(size))),
        Key::Threads => process.threads.map(|number| number.to_string()),
        Key::Control => process.control.as_deref().map(path),
        Key::Metrics => process.metrics.as_ref().map(address),
        Key::Drain => Some(time(process.drain)),
        Key::Program => process.program.as_deref().map(path),
        Key::Strict => Some(process.strict.to_string()),
        Key::LogLevel => Some(word(process.log_level)),
        Key::LogFormat => Some(word(process.log_format)),
        // Where the settings come from, or of a pipe.
        Key::Config
        | Key::Foreground
        | Key::Progress
        | Key::Question
        | Key::Mode
        | Key::Source
        | Key::Target
        | Key::Keys
        | Key::Balance
        | Key::Bind
        | Key::Strength
        | Key::KeepAlive
        | Key::KeepAliveIdle
        | Key::KeepAliveInterval
        | Key::KeepAliveCount
        | Key::KeyExchange
        | Key::MaxConnections
        | Key::Timeout
        | Key::IdleTimeout
        | Key::HalfClosedTimeout
        | Key::UserTimeout
        | Key::ResolvePeriod
        | Key::ResolveOnce
        | Key::WaitForDns
        | Key::ConnectionsPerKey
        | Key::Handshakes
        | Key::HandshakesPerSource
        | Key::Allow
        | Key::ProxyFrom
        | Key::ProxyTo
        | Key::CloseRevoked
        | Key::StrictKeys
        | Key::SocketMode
        | Key::SocketOwner
        | Key::Local
        | Key::Listen
        | Key::Peer
        | Key::Mirror => None,
    }
}

/// What is said of a pipe about this; `None`: nothing.
pub(super) fn of_pipe(key: Key, pipe: &PipeSettings) -> Option<String> {
    let connection = &pipe.connection;
    match key {
        Key::Mode => Some(word(match connection.config.side() {
            Side::Client => Mode::Encrypt,
            Side::Server => Mode::Decrypt,
        })),
        Key::Source => Some(addresses(&pipe.sources)),
        Key::Target => Some(addresses(&connection.targets)),
        Key::Keys => Some(keys(&connection.keys)),
        Key::Balance => Some(word(connection.balance)),
        Key::Bind => connection.bind.as_ref().map(address),
        Key::Strength => match strength(connection.config) {
            ForwardSecrecy::Offer => None,
            ForwardSecrecy::Omit => Some("omit".to_owned()),
            ForwardSecrecy::Require => Some("require".to_owned()),
        },
        Key::KeyExchange => key_exchange(connection.config).map(word),
        Key::KeepAlive => Some(connection.keepalive.is_some().to_string()),
        Key::KeepAliveIdle => connection.keepalive.map(|it| time(Some(it.idle))),
        Key::KeepAliveInterval => connection.keepalive.map(|it| time(Some(it.interval))),
        Key::KeepAliveCount => connection.keepalive.map(|it| it.count.to_string()),
        Key::MaxConnections => Some(limit(pipe.connection_limit.map(Into::into))),
        Key::Timeout => Some(time(Some(connection.time_limit))),
        Key::IdleTimeout => Some(time(connection.idle_limit)),
        Key::HalfClosedTimeout => Some(time(connection.half_closed_limit)),
        Key::UserTimeout => Some(time(connection.user_timeout)),
        Key::ResolvePeriod => Some(time(pipe.resolve_period)),
        Key::WaitForDns => Some(pipe.wait_for_dns.to_string()),
        Key::ConnectionsPerKey => Some(limit(pipe.key_policy.connections_per_key.map(Into::into))),
        Key::Handshakes => pipe.admission.handshakes.map(|number| number.to_string()),
        Key::HandshakesPerSource => {
            pipe.admission.handshakes_per_source.map(|number| number.to_string())
        }
        Key::Allow => networks(&pipe.admission.allowed),
        Key::ProxyFrom => networks(&pipe.proxy_from),
        Key::ProxyTo => connection.proxy_to.map(word),
        Key::CloseRevoked => Some(pipe.key_policy.close_revoked.to_string()),
        Key::StrictKeys => Some(connection.strict_keys.to_string()),
        Key::SocketMode => pipe.socket_mode.map(|mode| format!("\"{mode:04o}\"")),
        Key::SocketOwner => pipe.socket_owner.as_ref().map(identity),
        // Said in other words above, or of the process.
        Key::ResolveOnce
        | Key::Local
        | Key::Listen
        | Key::Peer
        | Key::Mirror
        | Key::Config
        | Key::Foreground
        | Key::PidFile
        | Key::User
        | Key::Memory
        | Key::Threads
        | Key::Control
        | Key::Metrics
        | Key::Drain
        | Key::Program
        | Key::Syslog
        | Key::Strict
        | Key::LogLevel
        | Key::LogFormat
        | Key::Progress
        | Key::Question => None,
    }
}

/// As a string of a file.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

fn word<T: Word>(value: T) -> String {
    quoted(value.word())
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

fn identity(identity: &IdentityName) -> String {
    quoted(&identity.to_string())
}

fn address(address: &Address) -> String {
    quoted(&address.to_string())
}

fn addresses(addresses: &[Address]) -> String {
    list(addresses.iter().map(address).collect())
}

fn networks(networks: &[ipnet::IpNet]) -> Option<String> {
    let shown: Vec<_> = networks.iter().map(|network| quoted(&show_network(network))).collect();
    (!shown.is_empty()).then(|| list(shown))
}

/// One alone needs no brackets.
fn list(mut shown: Vec<String>) -> String {
    if shown.len() == 1 { shown.remove(0) } else { format!("[{}]", shown.join(", ")) }
}

fn limit(limit: Option<usize>) -> String {
    limit.unwrap_or(0).to_string()
}

fn time(time: Option<Duration>) -> String {
    quoted(&show_time(time.filter(|time| *time < LONGEST)))
}

fn keys(keys: &KeySource) -> String {
    match keys {
        KeySource::One(KeyFile::Stdin) => quoted("-"),
        KeySource::One(KeyFile::Path(file)) | KeySource::FileOrDirectory(file) => path(file),
        KeySource::Named(files) => {
            let files = files.iter().map(|file| {
                let name = file.name.as_os_str().to_string_lossy();
                format!("{} = {}", quoted(&name), path(&file.path))
            });
            format!("{{ {} }}", files.collect::<Vec<_>>().join(", "))
        }
        // What it means depends on the files that there are; almost always this.
        KeySource::WholeOrNamed { named, .. } => self::keys(named),
    }
}

fn strength(config: Config) -> ForwardSecrecy {
    match config {
        Config::Client(ClientConfig::Modp2048(strength))
        | Config::Server(ServerConfig::Any(strength) | ServerConfig::Modp2048(strength)) => {
            strength
        }
        Config::Client(ClientConfig::X25519) | Config::Server(ServerConfig::X25519) => {
            ForwardSecrecy::Offer
        }
    }
}

/// `None`: both.
fn key_exchange(config: Config) -> Option<KeyExchange> {
    match config {
        Config::Client(ClientConfig::Modp2048(_)) | Config::Server(ServerConfig::Modp2048(_)) => {
            Some(KeyExchange::Modp2048)
        }
        Config::Client(ClientConfig::X25519) | Config::Server(ServerConfig::X25519) => {
            Some(KeyExchange::X25519)
        }
        Config::Server(ServerConfig::Any(_)) => None,
    }
}
