//! The address grammar: what `-s`, `-t` and `-b` accept. Pure: nothing is
//! looked up here.
//!
//! In the order decided:
//!
//! 1. a leading `/`: the path of a Unix stream socket;
//! 2. a leading `@`: a Unix stream socket without a file, whatever follows;
//! 3. otherwise the text is split at its *last* colon into host and port;
//! 4. a host in brackets is an IP address, its port a number from 1 to 65535;
//! 5. any other host is a name for the system resolver (unbracketed IPv4
//!    included), its port a number or a service name.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// Where to listen, connect or bind, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An absolute path of a Unix stream socket.
    Unix(PathBuf),
    /// The name of an abstract Unix stream socket, without its `@`; never empty.
    Abstract(OsString),
    /// An IP address and a port: needs no resolver.
    Literal(SocketAddr),
    /// A host and a port (or service name) for the resolver.
    Name {
        /// The host name; never empty.
        host: String,
        /// A number from 0 to 65535 or a service name; never empty.
        port: String,
    },
}

impl Address {
    /// Reads the address of a source or target, which needs a port.
    ///
    /// # Errors
    ///
    /// [`AddressError`] names the text and what to write instead.
    pub fn parse(text: &OsStr) -> Result<Self, AddressError> {
        parse(text, Port::Required)
    }

    /// Whether this is `*`, which the C library takes for this host, not for all
    /// its addresses.
    #[must_use]
    pub fn is_star(&self) -> bool {
        matches!(self, Self::Name { host, .. } if host == "*")
    }

    /// Reads an address to bind an outgoing socket to. Without a port, with
    /// or without brackets, the system picks one.
    ///
    /// # Errors
    ///
    /// [`AddressError`] names the text and what to write instead.
    pub fn parse_bind(text: &OsStr) -> Result<Self, AddressError> {
        parse(text, Port::Optional)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(OsStr::new(text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.display()),
            Self::Literal(address) => write!(f, "[{}]:{}", address.ip(), address.port()),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing at all.
    #[error("Empty socket address.")]
    Empty,
    /// The text starts with a colon.
    #[error("No host in \"{0}\"{hint}", hint = BracketsHint(.0))]
    NoHost(String),
    /// No colon, or nothing after it.
    #[error("Address must contain port number: {0} (write {0}:PORT)")]
    NoPort(String),
    /// An IPv6 address in which no port can be told apart.
    #[error("Address must contain port number: {0}{hint}", hint = BracketsHint(.0))]
    Ipv6WithoutPort(String),
    /// In brackets, only numbers count; elsewhere, numbers have a limit.
    #[error("Invalid port number: {port} in {text} (write a number from 1 to 65535)")]
    BadPort {
        /// The offending port.
        port: String,
        /// The whole address.
        text: String,
    },
    /// An opening bracket without its closing one.
    #[error("Invalid [IP address]: {0} (write [ADDRESS]:PORT)")]
    Brackets(String),
    /// Brackets around something other than an IP address.
    #[error(
        "Error parsing IP address: {ip} in {text} \
         (names and scoped addresses are written without brackets: {ip}:PORT)"
    )]
    BadIp {
        /// What is in the brackets.
        ip: String,
        /// The whole address.
        text: String,
    },
    /// Longer than a socket address can hold.
    #[error("socket path too long: {} (at most {SOCKET_PATH_MAX} bytes)", .0.display())]
    PathTooLong(PathBuf),
    /// The same of an abstract socket's name.
    #[error("socket name too long: {} (at most {SOCKET_PATH_MAX} bytes after the @)", .0.display())]
    NameTooLong(OsString),
    /// An `@` alone.
    #[error("No name of an abstract Unix socket: @ (write @NAME)")]
    NoName,
    /// Not UTF-8, or with a zero byte.
    #[error("Not an address: {}", .0.display())]
    NotText(OsString),
}

/// How to write what was meant as an IPv6 address.
struct BracketsHint<'a>(&'a str);

impl fmt::Display for BracketsHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        let (ip, port) = match text.rsplit_once(':') {
            Some((ip, port)) if is_ipv6(ip) && !port.is_empty() => (ip, port),
            _ if is_ipv6(text) => (*text, "PORT"),
            _ => return Ok(()),
        };
        write!(f, " (write an IPv6 address in brackets: [{ip}]:{port})")
    }
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// Linux keeps 108 bytes for the path, the closing zero included, or for an
/// abstract name with its leading zero.
const SOCKET_PATH_MAX: usize = 107;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Required,
    Optional,
}

fn parse(text: &OsStr, port: Port) -> Result<Address, AddressError> {
    if text.as_bytes().contains(&0) {
        return Err(AddressError::NotText(text.to_owned()));
    }
    if text.as_bytes().starts_with(b"/") {
        let path = PathBuf::from(text);
        return if text.len() > SOCKET_PATH_MAX {
            Err(AddressError::PathTooLong(path))
        } else {
            Ok(Address::Unix(path))
        };
    }
    if let Some(name) = text.as_bytes().strip_prefix(b"@") {
        return match name.len() {
            0 => Err(AddressError::NoName),
            1..=SOCKET_PATH_MAX => Ok(Address::Abstract(OsStr::from_bytes(name).to_owned())),
            _ => Err(AddressError::NameTooLong(text.to_owned())),
        };
    }
    let Some(text) = text.to_str() else {
        return Err(AddressError::NotText(text.to_owned()));
    };
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.starts_with(':') {
        return Err(AddressError::NoHost(text.to_owned()));
    }
    if text.starts_with('[') { parse_bracketed(text, port) } else { parse_name(text, port) }
}

fn parse_bracketed(text: &str, port: Port) -> Result<Address, AddressError> {
    let bad_brackets = || AddressError::Brackets(text.to_owned());

    let (ip, rest) = text[1..].split_once(']').ok_or_else(bad_brackets)?;
    let number = match (rest.strip_prefix(':'), port) {
        (Some(digits), Port::Required) => parse_number(digits, text, 1)?,
        (Some(""), Port::Optional) => 0,
        (Some(digits), Port::Optional) => parse_number(digits, text, 0)?,
        (None, _) if !rest.is_empty() => return Err(bad_brackets()),
        (None, Port::Optional) => 0,
        (None, Port::Required) => return Err(AddressError::NoPort(text.to_owned())),
    };
    let ip = parse_ip(ip)
        .ok_or_else(|| AddressError::BadIp { ip: ip.to_owned(), text: text.to_owned() })?;
    Ok(Address::Literal(SocketAddr::new(ip, number)))
}

fn parse_name(text: &str, port: Port) -> Result<Address, AddressError> {
    // The port that is meant by none must not make an address of it, either.
    let any_port = port == Port::Optional && text.ends_with(':');
    if lacks_port(text) || any_port && lacks_port(&format!("{text}0")) {
        return Err(AddressError::Ipv6WithoutPort(text.to_owned()));
    }
    let (host, port) = match (text.rsplit_once(':'), port) {
        (Some((host, port)), _) if !port.is_empty() => (host, port),
        (Some((host, _)), Port::Optional) => (host, "0"),
        (None, Port::Optional) => (text, "0"),
        (Some((host, _)), _) => return Err(AddressError::NoPort(host.to_owned())),
        (None, Port::Required) => return Err(AddressError::NoPort(text.to_owned())),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(name(host, port));
    }
    let number = parse_number(port, text, 0)?;
    Ok(match host.parse::<Ipv4Addr>() {
        Ok(ip) => Address::Literal(SocketAddr::new(ip.into(), number)),
        Err(_) => name(host, port),
    })
}

/// Whether this is an IPv6 address alone: what is left of the last colon of an
/// address and a port is an address, too.
fn lacks_port(text: &str) -> bool {
    is_ipv6(text) && text.rsplit_once(':').is_some_and(|(host, _)| !is_ipv6(host))
}

fn name(host: &str, port: &str) -> Address {
    Address::Name { host: host.to_owned(), port: port.to_owned() }
}

fn parse_ip(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    } else {
        text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    }
}

/// As `strtol` reads it, in base 10 and to the end: white space, a sign, digits.
fn parse_number(digits: &str, text: &str, min: u16) -> Result<u16, AddressError> {
    let trimmed = digits.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    match trimmed.parse::<u16>() {
        Ok(number) if number >= min => Ok(number),
        Ok(_) | Err(_) => {
            Err(AddressError::BadPort { port: digits.to_owned(), text: text.to_owned() })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn slash_makes_a_unix_path() {
        assert_eq!(address("/run/a b:c"), Ok(Address::Unix("/run/a b:c".into())));
        let longest = format!("/{}", "x".repeat(106));
        assert!(address(&longest).is_ok());
        assert!(matches!(address(&format!("{longest}x")), Err(AddressError::PathTooLong(_))));
    }

    #[test]
    fn at_sign_makes_an_abstract_name_of_all_that_follows() {
        for name in ["redis", "a b", "name:80", "[::1]:80", "/run/socket", "@"] {
            assert_eq!(address(&format!("@{name}")), Ok(Address::Abstract(name.into())));
            assert_eq!(bind(&format!("@{name}")), Ok(Address::Abstract(name.into())));
        }
        assert_eq!(address("@"), Err(AddressError::NoName));
        let longest = format!("@{}", "x".repeat(107));
        assert!(address(&longest).is_ok());
        assert!(matches!(address(&format!("{longest}x")), Err(AddressError::NameTooLong(_))));
        assert!(matches!(Address::parse(OsStr::from_bytes(b"@\xff")), Ok(Address::Abstract(_))));
        assert!(Address::parse(OsStr::from_bytes(b"@a\0b")).is_err());
    }

    #[test]
    fn unix_path_need_not_be_text() {
        let path = OsStr::from_bytes(b"/tmp/\xff");
        assert_eq!(Address::parse(path), Ok(Address::Unix(path.into())));
        assert!(Address::parse(OsStr::from_bytes(b"\xff:1")).is_err());
    }

    #[test]
    fn brackets_hold_an_ip_address() {
        assert_eq!(address("[127.0.0.1]:8025"), literal("127.0.0.1:8025"));
        assert_eq!(address("[::1]:65535"), literal("[::1]:65535"));
        assert_eq!(address("[::ffff:1.2.3.4]:1"), literal("[::ffff:1.2.3.4]:1"));
        for wrong in ["[localhost]:1", "[1.2.3]:1", "[01.2.3.4]:1", "[]:1", "[fe80::1%lo]:1"] {
            assert!(matches!(address(wrong), Err(AddressError::BadIp { .. })), "{wrong}");
        }
    }

    #[test]
    fn bracketed_port_is_a_number_from_1_to_65535() {
        for number in ["80", "+80", " 80", "\t+080"] {
            assert_eq!(address(&format!("[::1]:{number}")), literal("[::1]:80"), "{number}");
        }
        for wrong in ["0", "65536", "", "+", "+ 80", "++80", "0x50", "http", "-1", "1 "] {
            assert_eq!(
                address(&format!("[::1]:{wrong}")),
                Err(AddressError::BadPort {
                    port: wrong.to_owned(),
                    text: format!("[::1]:{wrong}")
                })
            );
        }
    }

    #[test]
    fn broken_brackets_are_named() {
        for wrong in ["[::1", "[::1]x:80", "[::1:80"] {
            assert_eq!(address(wrong), Err(AddressError::Brackets(wrong.into())));
        }
        assert_eq!(address("[::1]"), Err(AddressError::NoPort("[::1]".into())));
    }

    #[test]
    fn anything_else_is_split_at_its_last_colon() {
        assert_eq!(address("localhost:http"), named("localhost", "http"));
        assert_eq!(address("2001:db8::1:80"), named("2001:db8::1", "80"));
        assert_eq!(address("fe80::1%eth0:80"), named("fe80::1%eth0", "80"));
        assert_eq!(address("127.0.0.1:8025"), literal("127.0.0.1:8025"));
        assert_eq!(address("127.0.0.1:0"), literal("127.0.0.1:0"));
        assert_eq!(address("127.1:80"), named("127.1", "80"));
    }

    #[test]
    fn missing_parts_are_named() {
        assert_eq!(address(""), Err(AddressError::Empty));
        assert_eq!(address(":80"), Err(AddressError::NoHost(":80".into())));
        assert_eq!(address("::1:80"), Err(AddressError::NoHost("::1:80".into())));
        assert_eq!(address("host"), Err(AddressError::NoPort("host".into())));
        assert_eq!(address("host:"), Err(AddressError::NoPort("host".into())));
        assert!(matches!(address("host:65536"), Err(AddressError::BadPort { .. })));
    }

    #[test]
    fn ipv6_without_brackets_is_shown_with_them() {
        for (text, hint) in [
            ("::1:6399", "[::1]:6399"),
            ("::1", "[::1]:PORT"),
            ("::", "[::]:PORT"),
            ("2001:db8::1", "[2001:db8::1]:PORT"),
            ("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:PORT"),
        ] {
            let error = address(text).unwrap_err().to_string();
            let hint = format!("(write an IPv6 address in brackets: {hint})");
            assert!(error.ends_with(&hint), "{error}");
        }
        assert_eq!(address(":80").unwrap_err().to_string(), "No host in \":80\"");
    }

    #[test]
    fn any_port_makes_no_ipv6_address_of_what_is_none() {
        for text in ["9:3:6:6:0:6:6:", "2001:db8::"] {
            assert_eq!(bind(text), Err(AddressError::Ipv6WithoutPort(text.to_owned())));
        }
        assert_eq!(bind("2001:db8::1:"), named("2001:db8::1", "0"));
    }

    #[test]
    fn bind_address_may_omit_its_port() {
        assert_eq!(bind("127.0.0.1"), literal("127.0.0.1:0"));
        assert_eq!(bind("[127.0.0.1]"), literal("127.0.0.1:0"));
        assert_eq!(bind("[::1]"), literal("[::1]:0"));
        assert_eq!(bind("[::1]:0"), literal("[::1]:0"));
        assert_eq!(bind("[::1]:7"), literal("[::1]:7"));
        assert_eq!(bind("host"), named("host", "0"));
        assert_eq!(bind("host:7"), named("host", "7"));
        assert_eq!(bind("host:"), named("host", "0"));
        assert_eq!(bind("127.0.0.2:"), literal("127.0.0.2:0"));
        assert_eq!(bind("[::1]:"), literal("[::1]:0"));
        assert!(bind("[::1]x").is_err());
        assert!(bind("").is_err());
        assert!(bind(":7").is_err());
    }

    #[test]
    fn shown_as_it_can_be_typed() {
        for text in ["[::1]:80", "[1.2.3.4]:80", "host:http", "/run/socket", "@redis:80"] {
            assert_eq!(address(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        assert_eq!(
            address("mail").unwrap_err().to_string(),
            "Address must contain port number: mail (write mail:PORT)"
        );
    }

    fn address(text: &str) -> Result<Address, AddressError> {
        text.parse()
    }

    fn bind(text: &str) -> Result<Address, AddressError> {
        Address::parse_bind(OsStr::new(text))
    }

    #[allow(clippy::unnecessary_wraps, reason = "compared with a result")]
    fn literal(text: &str) -> Result<Address, AddressError> {
        Ok(Address::Literal(text.parse().unwrap()))
    }

    #[allow(clippy::unnecessary_wraps, reason = "compared with a result")]
    fn named(host: &str, port: &str) -> Result<Address, AddressError> {
        Ok(name(host, port))
    }
}
