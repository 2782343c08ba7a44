//! The settings that both programs have: those of a connection.

use std::ffi::OsString;
use std::time::Duration;

use super::Builder;
use crate::config::given::Value;
use crate::config::options::Key;
use crate::config::problem::Wrong;
use crate::config::quantity::{LONGEST, TIME_LIMIT};
use crate::config::settings::ConnectionSettings;
use crate::config::words::show_time;
use crate::guest::{ClientConfig, Config, ForwardSecrecy, KeyExchange, ServerConfig, Side};
use crate::keys::file::KeyFile;
use crate::keys::{KeySource, NamedFile};
use crate::net::address::Address;
use crate::net::socket::KeepAlive;
use crate::net::targets::Balance;

impl<P: Clone> Builder<'_, P> {
    pub(super) fn connection(&mut self, side: Side) -> ConnectionSettings {
        let config = self.config(side);
        let targets = self.said(Key::Target);
        let targets = self.addresses(targets);
        let bind = self.said(Key::Bind).and_then(|said| self.address(said, Address::parse_bind));
        ConnectionSettings {
            config,
            targets,
            balance: match self.value(Key::Balance) {
                Some(Value::Balance(balance)) => *balance,
                _ => Balance::InOrder,
            },
            bind,
            keys: self.keys(side),
            strict_keys: self.flag(Key::StrictKeys, false),
            keepalive: self.keep_alive(),
            user_timeout: self.user_timeout(),
            time_limit: self.time_limit(),
            idle_limit: self.limit(Key::IdleTimeout),
            half_closed_limit: self.limit(Key::HalfClosedTimeout),
            proxy_to: match self.value(Key::ProxyTo) {
                Some(Value::ProxyVersion(version)) => Some(*version),
                _ => None,
            },
        }
    }

    /// The one place where the mode decides about the protocol.
    fn config(&mut self, side: Side) -> Config {
        let key_exchange = match self.value(Key::KeyExchange) {
            Some(Value::KeyExchange(key_exchange)) => Some(*key_exchange),
            _ => None,
        };
        let strength = self.said(Key::Strength);
        let forward_secrecy = match strength.map(|said| &said.value) {
            Some(Value::Strength(strength)) => *strength,
            _ => ForwardSecrecy::Offer,
        };
        if let (Some(said), Some(KeyExchange::X25519), ForwardSecrecy::Omit) =
            (strength, key_exchange, forward_secrecy)
        {
            self.problem(said, Wrong::OmitWithX25519);
        }
        match (side, key_exchange) {
            // Without a choice: what every spiped understands.
            (Side::Client, None | Some(KeyExchange::Modp2048)) => {
                Config::Client(ClientConfig::Modp2048(forward_secrecy))
            }
            (Side::Client, Some(KeyExchange::X25519)) => Config::Client(ClientConfig::X25519),
            (Side::Server, None) => Config::Server(ServerConfig::Any(forward_secrecy)),
            (Side::Server, Some(KeyExchange::Modp2048)) => {
                Config::Server(ServerConfig::Modp2048(forward_secrecy))
            }
            (Side::Server, Some(KeyExchange::X25519)) => Config::Server(ServerConfig::X25519),
        }
    }

    /// Only a server takes several keys: a client would not know which to use.
    fn keys(&mut self, side: Side) -> KeySource {
        let nothing = KeySource::Named(Vec::new());
        let Some(said) = self.said(Key::Keys) else { return nothing };
        let keys = match (&said.value, side) {
            (Value::Texts(words), _) => typed(words, side),
            (Value::Text(path), _) => Some(whole(path, side)),
            (Value::Named(files), Side::Client) if files.len() > 1 => None,
            (Value::Named(files), _) => Some(KeySource::Named(files.clone())),
            _ => None,
        };
        keys.unwrap_or_else(|| {
            self.problem(said, Wrong::SeveralKeys);
            nothing
        })
    }

    fn keep_alive(&mut self) -> Option<KeepAlive> {
        const SECONDS: &str = "whole seconds, from \"1s\" to \"32767s\"";
        let on = self.flag(Key::KeepAlive, true);
        let default = KeepAlive::default();
        let mut seconds = |key, default: Duration| {
            let time = self.time(key, Some(default)).unwrap_or(LONGEST);
            if (1..=32_767).contains(&time.as_secs()) && time.subsec_nanos() == 0 {
                return time;
            }
            self.out_of_range(key, SECONDS);
            default
        };
        let idle = seconds(Key::KeepAliveIdle, default.idle);
        let interval = seconds(Key::KeepAliveInterval, default.interval);
        let count = self.count(Key::KeepAliveCount, 127, "1 to 127");
        if !on {
            self.refuse_times_of_keep_alive();
            return None;
        }
        let count = count.and_then(|count| u32::try_from(count.get()).ok());
        Some(KeepAlive { idle, interval, count: count.unwrap_or(default.count) })
    }

    fn refuse_times_of_keep_alive(&mut self) {
        let Some(own) =
            self.layers.first().copied().filter(|own| own.get(Key::KeepAlive).is_some())
        else {
            return;
        };
        for key in [Key::KeepAliveIdle, Key::KeepAliveInterval, Key::KeepAliveCount] {
            if let Some(said) = own.get(key) {
                self.problem(said, Wrong::NoKeepAlive);
            }
        }
    }

    fn user_timeout(&mut self) -> Option<Duration> {
        let time = self.limit(Key::UserTimeout)?;
        if (1..=i32::MAX.unsigned_abs().into()).contains(&time.as_millis()) {
            return Some(time);
        }
        self.out_of_range(Key::UserTimeout, "\"1ms\" to \"24days\", or \"never\"");
        None
    }

    fn time_limit(&mut self) -> Duration {
        let time = self.time(Key::Timeout, Some(TIME_LIMIT)).unwrap_or(LONGEST);
        if time.is_zero() {
            self.out_of_range(Key::Timeout, "a time above 0, such as \"5s\", or \"never\"");
        }
        time
    }

    fn out_of_range(&mut self, key: Key, range: &'static str) {
        if let Some(said) = self.said(key) {
            let time = if let Value::Time(time) = said.value { time } else { None };
            let value = show_time(time);
            self.problem(said, Wrong::OutOfRange { value, range });
        }
    }
}

/// Words of a command line, where `-` is standard input and a word may have two
/// meanings.
fn typed(words: &[OsString], side: Side) -> Option<KeySource> {
    if let [word] = words {
        if word == "-" {
            return Some(KeySource::One(KeyFile::Stdin));
        }
        let whole = whole(word, side);
        return Some(match NamedFile::parse(word) {
            Some(file) => KeySource::WholeOrNamed {
                word: word.into(),
                whole: Box::new(whole),
                named: Box::new(KeySource::Named(vec![file])),
            },
            None => whole,
        });
    }
    let files = words.iter().map(|word| NamedFile::parse(word)).collect::<Option<Vec<_>>>()?;
    (side == Side::Server).then_some(KeySource::Named(files))
}

fn whole(path: &OsString, side: Side) -> KeySource {
    match side {
        Side::Client => KeySource::One(KeyFile::Path(path.into())),
        Side::Server => KeySource::FileOrDirectory(path.into()),
    }
}
