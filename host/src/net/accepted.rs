//! An accepted connection, and who opened it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as StdTcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use rustix::net::getsockname;
use tokio::net::{UnixStream, unix::UCred};

use super::proxy::{Announced, Ends};
use super::resolve::Endpoint;
use super::socket::Socket;

/// An accepted connection that no event loop watches yet. The accept loop passes it on
/// as it is, and the event loop that serves the connection registers it: the runtime's
/// own listeners would register it with the loop that accepts, from which it would be
/// removed immediately, at the cost of two system calls per connection.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// Over TCP, and who opened it.
    Tcp(StdTcpStream, Caller),
    /// Over a Unix socket.
    Unix(StdUnixStream),
}

/// Who opened a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A host with this address.
    Direct(SocketAddr),
    /// A load balancer, for a connection of its own.
    Balancer(SocketAddr),
    /// A client for whom a load balancer has passed it on.
    PassedOn(Ends),
}

impl Caller {
    fn address(self) -> SocketAddr {
        match self {
            Self::Direct(address) | Self::Balancer(address) => address,
            Self::PassedOn(Ends { source, .. }) => source,
        }
    }
}

impl Accepted {
    /// The address it comes from; `None` for a Unix socket.
    #[must_use]
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer().ip()
    }

    /// Who opened it, as far as that is known without asking the kernel.
    #[must_use]
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(_, caller) => Peer::Tcp(*caller),
            Self::Unix(_) => Peer::Unix(None),
        }
    }

    /// Whether a load balancer has opened it for itself.
    #[must_use]
    pub(crate) fn is_balancers(&self) -> bool {
        matches!(self, Self::Tcp(_, Caller::Balancer(_)))
    }

    /// This connection with what the load balancer's header says about it.
    #[must_use]
    pub(crate) fn announced_as(self, announced: Announced) -> Self {
        match (self, announced) {
            (Self::Tcp(stream, caller), Announced::Local) => {
                Self::Tcp(stream, Caller::Balancer(caller.address()))
            }
            // The load balancer does not know for whom: it counts as the client.
            (tcp @ Self::Tcp(..), Announced::Unknown) => tcp,
            (Self::Tcp(stream, _), Announced::PassedOn(ends)) => {
                Self::Tcp(stream, Caller::PassedOn(ends))
            }
            (unix @ Self::Unix(_), _) => unix,
        }
    }

    /// Registers the connection with this thread's event loop. Returns who opened it.
    ///
    /// # Errors
    /// When the event loop cannot watch it.
    pub(crate) fn into_socket(self) -> io::Result<(Socket, Peer)> {
        Ok(match self {
            Self::Tcp(stream, caller) => (Socket::tcp(stream.into())?, Peer::Tcp(caller)),
            Self::Unix(stream) => {
                let stream = UnixStream::from_std(stream)?;
                let peer = Peer::Unix(stream.peer_cred().ok());
                (Socket::Unix(stream), peer)
            }
        })
    }
}

impl AsFd for Accepted {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream, _) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

/// Who opened a connection, for the log.
#[derive(Debug)]
pub(crate) enum Peer {
    /// An address and port.
    Tcp(Caller),
    /// A process on this host, if the kernel tells which.
    Unix(Option<UCred>),
}

impl Peer {
    /// Its network address, if it has one.
    #[must_use]
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(caller) => Some(caller.address().ip()),
            Self::Unix(_) => None,
        }
    }

    /// The addresses of its end and of ours, if it is on the network.
    #[must_use]
    pub(crate) fn ends(&self, socket: &Socket) -> Option<Ends> {
        match (self, socket) {
            (Self::Tcp(Caller::PassedOn(ends)), _) => Some(*ends),
            (Self::Tcp(caller), Socket::Tcp(_)) => {
                let destination = getsockname(socket).ok()?.try_into().ok()?;
                Some(Ends { source: caller.address(), destination })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(caller) => Endpoint::Tcp(caller.address()).fmt(f),
            Self::Unix(Some(peer)) => match peer.pid() {
                Some(pid) => write!(f, "process {pid} of uid {}", peer.uid()),
                None => write!(f, "a process of uid {}", peer.uid()),
            },
            Self::Unix(None) => f.write_str("a process on this host"),
        }
    }
}
