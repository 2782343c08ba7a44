//! The source: a listening socket, TCP or Unix.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as StdTcpStream};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, unix::UCred};

use super::resolve::Endpoint;
use super::socket::Socket;

/// Connections the kernel completes ahead of `accept`. It may allow fewer.
const BACKLOG: i32 = 1024;

/// A socket that listens already, though no runtime is there to accept yet.
#[derive(Debug)]
pub struct Bound {
    socket: RawSocket,
    is_unix: bool,
}

/// Binds and listens.
///
/// A Unix socket's file that a daemon left behind is removed, if nobody
/// answers on it; anything else in the way is an error.
///
/// # Errors
/// Those of `socket`, `bind` and `listen`.
pub fn listen(endpoint: &Endpoint) -> io::Result<Bound> {
    let address = sock_addr(endpoint)?;
    let socket = RawSocket::new(address.domain(), Type::STREAM.nonblocking(), None)?;
    let is_unix = address.domain() == Domain::UNIX;
    if !is_unix {
        socket.set_reuse_address(true)?;
    }
    match (socket.bind(&address), endpoint) {
        (Err(error), Endpoint::Unix(path)) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path, &address)?;
            socket.bind(&address)?;
        }
        (result, _) => result?,
    }
    socket.listen(BACKLOG)?;
    Ok(Bound { socket, is_unix })
}

impl Bound {
    /// Hands the socket to the runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn into_listener(self) -> io::Result<Listener> {
        Ok(if self.is_unix {
            Listener::Unix(UnixListener::from_std(self.socket.into())?)
        } else {
            Listener::Tcp(TcpListener::from_std(self.socket.into())?)
        })
    }
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

impl Listener {
    /// The next connection.
    ///
    /// # Errors
    /// Those of `accept`.
    pub async fn accept(&self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Accepted::Tcp(stream.into_std()?, address)
            }
            Self::Unix(listener) => Accepted::Unix(listener.accept().await?.0.into_std()?),
        })
    }
}

/// An accepted connection that no event loop watches yet.
#[derive(Debug)]
pub enum Accepted {
    /// Over TCP, and from where.
    Tcp(StdTcpStream, SocketAddr),
    /// Over a Unix socket.
    Unix(StdUnixStream),
}

impl Accepted {
    /// Hands the connection to this thread's event loop. Says who opened it.
    ///
    /// # Errors
    /// When the event loop cannot watch it.
    pub fn into_socket(self) -> io::Result<(Socket, Peer)> {
        Ok(match self {
            Self::Tcp(stream, address) => {
                (Socket::Tcp(TcpStream::from_std(stream)?), Peer::Tcp(address))
            }
            Self::Unix(stream) => {
                let stream = UnixStream::from_std(stream)?;
                let peer = Peer::Unix(stream.peer_cred().ok());
                (Socket::Unix(stream), peer)
            }
        })
    }
}

/// Who opened a connection, for the log.
#[derive(Debug)]
pub enum Peer {
    /// An address and port.
    Tcp(SocketAddr),
    /// A process on this host, if the kernel tells which.
    Unix(Option<UCred>),
}

impl Peer {
    /// Its address on the network, if it is there.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => Endpoint::Tcp(*address).fmt(f),
            Self::Unix(Some(peer)) => match peer.pid() {
                Some(pid) => write!(f, "process {pid} of uid {}", peer.uid()),
                None => write!(f, "a process of uid {}", peer.uid()),
            },
            Self::Unix(None) => f.write_str("a process on this host"),
        }
    }
}

/// Removes the file of a Unix socket on which nobody listens.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let in_use = || io::Error::from_raw_os_error(rustix::io::Errno::ADDRINUSE.raw_os_error());
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(in_use());
    }
    let probe = RawSocket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            log::info!("Removing the stale socket {}", path.display());
            fs::remove_file(path)
        }
        // Somebody answers, is too busy to, or we may not ask.
        _ => Err(in_use()),
    }
}

fn sock_addr(endpoint: &Endpoint) -> io::Result<SockAddr> {
    match endpoint {
        Endpoint::Tcp(address) => Ok((*address).into()),
        Endpoint::Unix(path) => SockAddr::unix(path),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn only_a_dead_socket_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let endpoint = Endpoint::Unix(path.clone());

        let first = listen(&endpoint).unwrap();
        assert_eq!(listen(&endpoint).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        drop(listen(&endpoint).unwrap());

        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert_eq!(listen(&endpoint).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
