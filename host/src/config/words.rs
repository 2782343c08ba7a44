//! Words, sizes and times as people write them, both ways.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;

use super::settings::Mode;
use crate::guest::KeyExchange;
use crate::net::proxy::ProxyVersion;
use crate::net::targets::Balance;
use crate::observe::Format;

/// A value that is one of a few words.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Each of them.
    const WORDS: &'static [(&'static str, Self)];

    /// The one that `text` names.
    fn parse(text: &str) -> Option<Self> {
        Self::WORDS.iter().find_map(|&(word, value)| (word == text).then_some(value))
    }

    /// How it is written.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find_map(|&(word, value)| (value == self).then_some(word)).unwrap_or("")
    }
}

impl Word for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("encrypt", Self::Encrypt), ("decrypt", Self::Decrypt)];
}

impl Word for KeyExchange {
    const WORDS: &'static [(&'static str, Self)] =
        &[("modp2048", Self::Modp2048), ("x25519", Self::X25519)];
}

impl Word for LevelFilter {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];
}

impl Word for Format {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

impl Word for Balance {
    const WORDS: &'static [(&'static str, Self)] =
        &[("in-order", Self::InOrder), ("spread", Self::Spread)];
}

impl Word for ProxyVersion {
    const WORDS: &'static [(&'static str, Self)] = &[("v1", Self::V1), ("v2", Self::V2)];
}

/// Reads an address or a network.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Writes a network as it can be read.
pub(crate) fn show_network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

/// Reads a time: with units, in seconds, or one that never comes.
pub(crate) fn parse_time(text: &str) -> Result<Option<Duration>, NotATime> {
    if ["never", "inf"].contains(&text) {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds = text.parse().map_err(|_| NotATime)?;
        return Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| NotATime);
    }
    humantime::parse_duration(text).map(Some).map_err(|_| NotATime)
}

/// Neither a number of seconds nor with units that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotATime;

/// Writes a time as it can be read.
pub(crate) fn show_time(time: Option<Duration>) -> String {
    match time {
        None => "never".to_owned(),
        // No unit is needed, but without one it looks like nothing at all.
        Some(Duration::ZERO) => "0s".to_owned(),
        Some(time) => humantime::format_duration(time).to_string().replace(' ', ""),
    }
}

/// Writes a number of bytes as it can be read.
pub(crate) fn show_size(size: u64) -> String {
    for (unit, bytes) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if size > 0 && size.is_multiple_of(bytes) {
            return format!("{}{unit}", size / bytes);
        }
    }
    size.to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let time = |text| parse_time(text).unwrap();
        assert_eq!(time("5s"), Some(Duration::from_secs(5)));
        assert_eq!(time("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(time("1m 30s"), Some(Duration::from_secs(90)));
        assert_eq!(time("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(time("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(time("0"), Some(Duration::ZERO));
        assert_eq!(time("never"), None);
        for wrong in ["", "s", "5 parsecs", "-1", "-1s", "1e400", ".", "nan", "1..5", "5sec5"] {
            assert_eq!(parse_time(wrong), Err(NotATime), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for time in [None, Some(0), Some(1), Some(1500), Some(90_000), Some(86_400_000 * 400)] {
            let time = time.map(Duration::from_millis);
            assert_eq!(parse_time(&show_time(time)), Ok(time), "{}", show_time(time));
        }
        for size in [0, 1, 1 << 10, 1500, 64 << 20, 3 << 30] {
            assert_eq!(super::super::number::parse_size(&show_size(size)), Ok(size));
        }
        for network in ["192.0.2.1", "192.0.2.0/24", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert_eq!(show_network(&parse_network(network).unwrap()), network);
        }
        for level in ["error", "warn", "info", "debug"] {
            assert_eq!(LevelFilter::parse(level).unwrap().word(), level);
        }
    }
}
