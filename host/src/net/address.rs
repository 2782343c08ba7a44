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

    /// What is read as this address.
    #[must_use]
    pub(crate) fn text(&self) -> OsString {
        match self {
            Self::Unix(path) => path.clone().into(),
            Self::Abstract(name) => [OsStr::new("@"), name].into_iter().collect(),
            Self::Literal(_) | Self::Name { .. } => self.to_string().into(),
        }
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
mod tests;
