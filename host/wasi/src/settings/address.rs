//! Addresses, in upstream's spelling.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::IpAddr;

/// Where to listen, or what to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// 0 only where a port may be left out, and then means any.
    pub port: u16,
}

/// An address, or a name to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An IP address.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

impl Address {
    /// `host:port`, `[ip]:port`.
    ///
    /// # Errors
    ///
    /// Why it is none, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = split(text)?;
        let port =
            port.ok_or_else(|| alloc::format!("Address must contain port number: {text}"))?;
        Self::of(text, host, Some(port))
    }

    /// The same for the socket that connects, whose port may be left out.
    ///
    /// # Errors
    ///
    /// Why it is none, for people.
    pub fn parse_bind(text: &str) -> Result<Self, String> {
        // An address of IPv6 without brackets has colons and no port.
        if let Ok(ip) = text.parse() {
            return Ok(Self { host: Host::Ip(ip), port: 0 });
        }
        let (host, port) = split(text)?;
        Self::of(text, host, port)
    }

    fn of(text: &str, host: &str, port: Option<&str>) -> Result<Self, String> {
        let port = match port {
            None => 0,
            Some(port) => decimal(port).filter(|port| *port != 0).ok_or_else(|| {
                alloc::format!("Invalid port number: {text} (WASI knows no service names)")
            })?,
        };
        let host = if let Some(inside) = host.strip_prefix('[') {
            let ip = inside.strip_suffix(']').and_then(|ip| ip.parse().ok());
            Host::Ip(ip.ok_or_else(|| alloc::format!("Not an IP address: {host}"))?)
        } else if host.is_empty() {
            return Err(alloc::format!("No host in \"{text}\""));
        } else {
            host.parse().map_or_else(|_| Host::Name(host.to_string()), Host::Ip)
        };
        Ok(Self { host, port })
    }
}

/// Host and port, at the last colon that is not inside brackets.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.is_empty() {
        return Err("Empty socket address.".to_string());
    }
    if text.starts_with(['/', '@']) {
        return Err(alloc::format!("WASI has no Unix sockets: {text}"));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Ok((host, Some(port))),
        _ => Ok((text, None)),
    }
}

/// Digits only: no sign, no space.
fn decimal(text: &str) -> Option<u16> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => write!(f, "[{ip}]:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, shown) in [
            ("127.0.0.1:80", "[127.0.0.1]:80"),
            ("[127.0.0.1]:80", "[127.0.0.1]:80"),
            ("[::1]:80", "[::1]:80"),
            ("2001:db8::1:80", "[2001:db8::1]:80"),
            ("localhost:1", "localhost:1"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn rubbish_is_no_address() {
        for text in
            ["", ":80", "a", "a:", "a:0", "a:+1", "a:65536", "a:http", "[a]:1", "[::1]", "[]:1"]
        {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        for text in ["/run/socket", "@name"] {
            assert!(Address::parse(text).unwrap_err().contains("Unix"), "{text}");
        }
    }

    #[test]
    fn only_bind_addresses_have_no_port() {
        for text in ["127.0.0.1", "[127.0.0.1]", "::1", "[::1]", "name"] {
            assert_eq!(Address::parse_bind(text).unwrap().port, 0, "{text}");
        }
        assert_eq!(Address::parse_bind("[::1]:7").unwrap().port, 7);
    }
}
