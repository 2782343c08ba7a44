//! Dialling: the target's addresses in turn, each with its share of the time.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::net::{TcpSocket, UnixSocket};
use tokio::time::{Instant, timeout_at};

use super::resolve::Endpoint;
use super::socket::Socket;

/// Connects to the first of `targets` that answers, in their order. An
/// address that does not answer cannot use up the time of those after it: it
/// gets an even share of what is left of `limit`. `bind` is the local address.
///
/// # Errors
/// [`DialError`] tells what became of each address.
pub async fn dial(
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
            let socket = UnixSocket::new_stream()?;
            match bind {
                Some(Endpoint::Unix(local)) => {
                    socket.bind(local).map_err(|error| binding(&error))?;
                }
                Some(Endpoint::Tcp(_)) => return Err(wrong_family()),
                None => {}
            }
            Ok(Socket::Unix(socket.connect(path).await?))
        }
    }
}

fn binding(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("Error binding socket: {error}"))
}

fn wrong_family() -> io::Error {
    let reason = "Error binding socket: -b is of another address family than this target";
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
