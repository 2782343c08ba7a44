//! Resolves an address to endpoints with the system resolver. Blocking: call it only
//! where blocking is allowed.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo};
use thiserror::Error;

use crate::net::address::Address;

/// An address that a socket can be bound or connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
    /// A Unix stream socket with this abstract name.
    Abstract(OsString),
}

impl Endpoint {
    /// The name of a Unix socket in a system call: a path, or a zero byte and an
    /// abstract name.
    #[must_use]
    pub(super) fn socket_name(&self) -> Option<Cow<'_, Path>> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(Cow::Borrowed(path)),
            Self::Abstract(name) => {
                let name = [b"\0", name.as_bytes()].concat();
                Some(Cow::Owned(OsString::from_vec(name).into()))
            }
        }
    }

    /// The endpoint of this address, if no resolver is needed.
    #[must_use]
    pub fn of(address: &Address) -> Option<Self> {
        match address {
            Address::Unix(path) => Some(Self::Unix(path.clone())),
            Address::Abstract(name) => Some(Self::Abstract(name.clone())),
            Address::Literal(address) => Some(Self::Tcp(*address)),
            Address::Name { .. } => None,
        }
    }
}

impl Endpoint {
    /// A text that another process [parses](Self::of_text) as this endpoint.
    #[must_use]
    pub(crate) fn text(&self) -> OsString {
        match self {
            // Includes the scope of an IPv6 address, which addresses in settings cannot
            // have.
            Self::Tcp(address) => address.to_string().into(),
            Self::Unix(path) => path.clone().into(),
            Self::Abstract(name) => [OsStr::new("@"), name].into_iter().collect(),
        }
    }

    /// Parses what another process has [written](Self::text).
    #[must_use]
    pub(crate) fn of_text(text: &OsStr) -> Option<Self> {
        match text.as_bytes() {
            [b'/', ..] => Some(Self::Unix(text.into())),
            [b'@', name @ ..] if !name.is_empty() => {
                Some(Self::Abstract(OsStr::from_bytes(name).into()))
            }
            _ => text.to_str()?.parse().ok().map(Self::Tcp),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "[{}]:{}", address.ip(), address.port()),
            Self::Unix(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.display()),
        }
    }
}

/// The resolver has no answer, temporarily or permanently.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Error looking up {host}: {reason}")]
pub struct ResolveError {
    /// The host asked for.
    pub host: String,
    /// The resolver's words.
    pub reason: String,
}

/// Looks up `address`. Returns at least one endpoint, in the resolver's order and
/// without duplicates. Only names go to the resolver.
///
/// # Errors
///
/// [`ResolveError`] when the resolver refuses the host or the service name,
/// or cannot be asked.
pub fn resolve(address: &Address) -> Result<Vec<Endpoint>, ResolveError> {
    match address {
        Address::Name { host, port } => look_up(host, port),
        Address::Unix(_) | Address::Abstract(_) | Address::Literal(_) => {
            Ok(Endpoint::of(address).into_iter().collect())
        }
    }
}

fn look_up(host: &str, port: &str) -> Result<Vec<Endpoint>, ResolveError> {
    let failed = |reason: &str| ResolveError {
        host: host.to_owned(),
        reason: without_prefix(reason).to_owned(),
    };
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let answers = getaddrinfo(Some(host), Some(port), Some(hints))
        .map_err(|error| failed(&io::Error::from(error).to_string()))?;

    let mut endpoints = Vec::new();
    // An answer of an unknown family is no reason to drop the others.
    for answer in answers.flatten() {
        let endpoint = Endpoint::Tcp(answer.sockaddr);
        if !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    if endpoints.is_empty() {
        return Err(failed("No address associated with hostname"));
    }
    Ok(endpoints)
}

/// The reason without the prefix that the standard library adds to it.
fn without_prefix(reason: &str) -> &str {
    reason.strip_prefix("failed to lookup address information: ").unwrap_or(reason)
}

/// The first endpoint of `address`: a local address is a single one.
#[must_use]
pub fn first(endpoints: Vec<Endpoint>, address: &Address) -> Endpoint {
    if endpoints.len() > 1 {
        log::warn!("Using the first of multiple addresses found for {address}");
    }
    let mut endpoints = endpoints.into_iter();
    endpoints.next().unwrap_or_else(|| unreachable!("resolve returns at least one"))
}

/// The local address of connections to the target, if `-b` gives one.
///
/// # Errors
/// Those of `look_up`.
pub fn local(
    bind: Option<&Address>,
    look_up: fn(&Address) -> Result<Vec<Endpoint>, ResolveError>,
) -> Result<Option<Endpoint>, ResolveError> {
    bind.map(|address| Ok(first(look_up(address)?, address))).transpose()
}

/// Looks up `address` until there is an answer, at growing intervals.
///
/// # Errors
/// None, in the form of [`resolve`].
pub fn resolve_patiently(address: &Address) -> Result<Vec<Endpoint>, ResolveError> {
    let (mut news, mut pause) = (LookUpNews::default(), RETRY_MIN);
    loop {
        let found = resolve(address);
        if let Some(news) = news.of(address, found.as_ref().err()) {
            log::warn!("{news}");
        }
        if found.is_ok() {
            return found;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// What to log about the look-ups of one name: the first failure, and that they work
/// again.
#[derive(Debug, Default)]
pub struct LookUpNews {
    failing: bool,
}

impl LookUpNews {
    /// The log line after a look-up that failed or succeeded, if there is one.
    pub fn of(&mut self, address: &Address, error: Option<&impl fmt::Display>) -> Option<String> {
        let failed_before = mem::replace(&mut self.failing, error.is_some());
        match error {
            Some(error) if !failed_before => Some(format!("{error}; retrying until it succeeds")),
            None if failed_before => Some(format!("Looking up {address} works again")),
            Some(_) | None => None,
        }
    }
}

/// Pauses between two attempts to look up a name at start (`-D`).
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::{Ipv6Addr, SocketAddrV6};

    use super::*;

    #[test]
    fn literal_and_path_need_no_resolver() {
        assert_eq!(endpoints("[::1]:80"), ["[::1]:80"]);
        assert_eq!(endpoints("/run/socket"), ["/run/socket"]);
        assert_eq!(endpoints("@socket"), ["@socket"]);
    }

    #[test]
    fn numbers_and_service_names_are_resolved() {
        assert_eq!(endpoints("0:80"), ["[0.0.0.0]:80"]);
        assert_eq!(endpoints("2001:db8::1:80"), ["[2001:db8::1]:80"]);
    }

    #[test]
    fn endpoint_that_is_written_can_be_read() {
        let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 2).into();
        let text = |bytes| OsStr::from_bytes(bytes);
        for endpoint in [
            Endpoint::Tcp("192.0.2.1:80".parse().unwrap()),
            Endpoint::Tcp(scoped),
            Endpoint::Unix(text(b"/run/m\xe4rz").into()),
            Endpoint::Abstract(text(b"m\xe4rz").into()),
        ] {
            assert_eq!(Endpoint::of_text(&endpoint.text()), Some(endpoint));
        }
        for wrong in ["", "@", "host:80", "[::1]"] {
            assert_eq!(Endpoint::of_text(OsStr::new(wrong)), None);
        }
    }

    #[test]
    fn localhost_is_found_once_per_address() {
        let found = endpoints("localhost:7");
        assert!(!found.is_empty());
        for (at, endpoint) in found.iter().enumerate() {
            assert!(!found[..at].contains(endpoint), "{found:?}");
        }
    }

    #[test]
    fn error_names_the_host() {
        let error = resolve(&"127.0.0.1:no-such-service".parse().unwrap()).unwrap_err();
        assert_eq!(error.host, "127.0.0.1");
        assert!(error.to_string().starts_with("Error looking up 127.0.0.1: Serv"), "{error}");
    }

    #[test]
    fn failing_look_ups_are_news_once_and_so_are_working_ones() {
        let address = "host.invalid:1".parse().unwrap();
        let failed = ResolveError { host: "host.invalid".into(), reason: "unknown".into() };
        let mut news = LookUpNews::default();
        assert_eq!(news.of(&address, None::<&ResolveError>), None);
        for _ in 0..2 {
            let said = news.of(&address, Some(&failed)).unwrap();
            assert!(said.starts_with("Error looking up host.invalid: unknown"), "{said}");
            assert_eq!(news.of(&address, Some(&failed)), None);
            let said = news.of(&address, None::<&ResolveError>).unwrap();
            assert!(said.contains("host.invalid:1 works again"), "{said}");
            assert_eq!(news.of(&address, None::<&ResolveError>), None);
        }
    }

    fn endpoints(text: &str) -> Vec<String> {
        let endpoints = resolve(&text.parse().unwrap()).unwrap();
        endpoints.iter().map(ToString::to_string).collect()
    }
}
