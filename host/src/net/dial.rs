//! Dialling: the target's addresses in turn, each with its share of the time.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpSocket, UnixSocket, UnixStream};
use tokio::time::{Instant, sleep, timeout_at};

use super::resolve::Endpoint;
use super::socket::Socket;

/// Until a Unix socket whose backlog is full is tried again.
const BACKLOG_PAUSE_MIN: Duration = Duration::from_millis(2);
const BACKLOG_PAUSE_MAX: Duration = Duration::from_millis(100);

/// Connects to the first of `targets` that answers, in their order. An
/// address that does not answer cannot use up the time of those after it: it
/// gets an even share of what is left of `limit`. `bind` is the local address.
///
/// # Errors
/// [`DialError`] tells what became of each address.
pub(crate) async fn dial(
    targets: &[Endpoint],
    bind: Option<&Endpoint>,
    limit: Duration,
) -> Result<Socket, DialError> {
    let deadline = Instant::now() + limit;
    let mut attempts = Vec::with_capacity(targets.len());
    for (target, left) in targets.iter().zip((1..=targets.len()).rev()) {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(1);
        let error = match timeout_at(now + share, connect(target, bind)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        attempts.push((target.clone(), error));
    }
    Err(DialError(attempts))
}

/// What became of each address.
#[derive(Debug)]
pub struct DialError(Vec<(Endpoint, io::Error)>);

impl std::error::Error for DialError {}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (endpoint, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{endpoint}: {error}")?;
        }
        Ok(())
    }
}

async fn connect(target: &Endpoint, bind: Option<&Endpoint>) -> io::Result<Socket> {
    match target {
        Endpoint::Tcp(address) => {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            match bind {
                Some(Endpoint::Tcp(local)) => {
                    socket.set_reuseaddr(true)?;
                    socket.bind(*local).map_err(|error| binding(&error))?;
                }
                Some(Endpoint::Unix(_)) => return Err(wrong_family()),
                None => {}
            }
            Ok(Socket::Tcp(socket.connect(*address).await?))
        }
        Endpoint::Unix(path) => {
            let mut pause = BACKLOG_PAUSE_MIN;
            loop {
                match connect_unix(path, bind).await {
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

/// At once: a full backlog is an error.
async fn connect_unix(target: &Path, bind: Option<&Endpoint>) -> io::Result<UnixStream> {
    let socket = UnixSocket::new_stream()?;
    match bind {
        Some(Endpoint::Unix(local)) => {
            socket.bind(local).map_err(|error| binding(&error))?;
        }
        Some(Endpoint::Tcp(_)) => return Err(wrong_family()),
        None => {}
    }
    socket.connect(target).await
}

fn binding(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("Error binding socket: {error}"))
}

fn wrong_family() -> io::Error {
    let reason = "Error binding socket: -b is of another address family than this target";
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
