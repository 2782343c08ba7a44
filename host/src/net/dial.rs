//! Dialling: the target's addresses in turn, each with its share of the time.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{bind as bind_to, connect as connect_to};
use tokio::net::{UnixSocket, UnixStream};
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Address;
use super::listen::tcp_socket;
use super::resolve::Endpoint;
use super::socket::Socket;

/// Until a Unix socket whose backlog is full is tried again.
const BACKLOG_PAUSE_MIN: Duration = Duration::from_millis(2);
const BACKLOG_PAUSE_MAX: Duration = Duration::from_millis(100);

/// Connects to the first of `targets` that answers, in their order. `bind` is the
/// local address.
///
/// # Errors
/// [`DialError`] tells what became of each address.
pub(crate) async fn dial(
    targets: &[Endpoint],
    bind: Option<&Endpoint>,
    limit: Duration,
) -> Result<Socket, DialError> {
    let mut attempts = Attempts::new(targets.len(), limit);
    attempts.first_of(targets, bind).await.ok_or_else(|| attempts.into_error())
}

/// Attempts to connect within one time limit. An address that does not answer
/// cannot use up the time of those after it: it gets an even share of what is
/// left.
pub(crate) struct Attempts {
    deadline: Instant,
    /// How many addresses are still to be tried.
    left: usize,
    failed: Vec<(String, io::Error)>,
}

impl Attempts {
    /// There will be so many, and `limit` for all of them.
    #[must_use]
    pub(crate) fn new(addresses: usize, limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, left: addresses, failed: Vec::new() }
    }

    /// Connects to the first of these that answers, in their order.
    pub(crate) async fn first_of(
        &mut self,
        endpoints: &[Endpoint],
        bind: Option<&Endpoint>,
    ) -> Option<Socket> {
        for endpoint in endpoints {
            let now = Instant::now();
            let addresses = u32::try_from(self.left.max(1)).unwrap_or(u32::MAX);
            let share = self.deadline.saturating_duration_since(now) / addresses;
            self.left = self.left.saturating_sub(1);
            let error = match timeout_at(now + share, connect(endpoint, bind)).await {
                Ok(Ok(socket)) => return Some(socket),
                Ok(Err(error)) => error,
                Err(_) => io::ErrorKind::TimedOut.into(),
            };
            self.failed.push((endpoint.to_string(), error));
        }
        None
    }

    /// An address that there was nothing to try of.
    pub(crate) fn note(&mut self, address: &Address, error: io::Error) {
        self.failed.push((address.to_string(), error));
    }

    /// Those that have failed, in the order they were made.
    #[must_use]
    pub(crate) fn failed(&self) -> &[(String, io::Error)] {
        &self.failed
    }

    /// None has succeeded.
    #[must_use]
    pub(crate) fn into_error(self) -> DialError {
        DialError(self.failed)
    }
}

/// Whether an attempt failed for a reason that says nothing about the target:
/// this host lacks something, or what to bind to is of no use.
#[must_use]
pub(crate) fn is_ours(error: &io::Error) -> bool {
    let local = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::NOBUFS,
        Errno::ADDRNOTAVAIL,
        Errno::ADDRINUSE,
    ];
    error.get_ref().is_some()
        || Errno::from_io_error(error).is_some_and(|error| local.contains(&error))
}

/// What became of each address.
#[derive(Debug)]
pub struct DialError(Vec<(String, io::Error)>);

impl std::error::Error for DialError {}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{address}: {error}")?;
        }
        Ok(())
    }
}

async fn connect(target: &Endpoint, bind: Option<&Endpoint>) -> io::Result<Socket> {
    match target {
        Endpoint::Tcp(address) => {
            let local = match bind {
                Some(Endpoint::Tcp(local)) => Some(local),
                Some(Endpoint::Unix(_) | Endpoint::Abstract(_)) => return Err(wrong_family()),
                None => None,
            };
            connect_tcp(address, local).await
        }
        Endpoint::Unix(_) | Endpoint::Abstract(_) => {
            let mut pause = BACKLOG_PAUSE_MIN;
            loop {
                match connect_unix(target, bind).await {
                    // Over TCP, the kernel does that.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sleep(pause).await;
                        pause = (pause * 2).min(BACKLOG_PAUSE_MAX);
                    }
                    connected => return Ok(Socket::Unix(connected?)),
                }
            }
        }
    }
}

async fn connect_tcp(target: &SocketAddr, local: Option<&SocketAddr>) -> io::Result<Socket> {
    let socket = tcp_socket(target)?;
    if let Some(local) = local {
        set_socket_reuseaddr(&socket, true)?;
        bind_to(&socket, local).map_err(|error| binding(&error.into()))?;
    }
    match connect_to(&socket, target) {
        // In the second case it goes on, too.
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let socket = Socket::tcp(socket)?;
    socket.connected().await?;
    Ok(socket)
}

/// At once: a full backlog is an error.
async fn connect_unix(target: &Endpoint, bind: Option<&Endpoint>) -> io::Result<UnixStream> {
    let socket = UnixSocket::new_stream()?;
    if let Some(bind) = bind {
        let local = bind.socket_name().ok_or_else(wrong_family)?;
        socket.bind(local).map_err(|error| binding(&error))?;
    }
    let target = target.socket_name().ok_or(io::ErrorKind::InvalidInput)?;
    socket.connect(target).await
}

fn binding(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("Error binding socket: {error}"))
}

fn wrong_family() -> io::Error {
    let reason = "Error binding socket: -b is of another address family than this target";
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
