//! Sockets that another process has bound, and their addresses.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, getsockname, sockopt};

use super::{Bound, BoundSocket};
use crate::net::resolve::Endpoint;

impl Bound {
    /// Sockets that another process has bound: each has to be a listening stream
    /// socket. Prepares them to be watched by a runtime and not to be inherited by
    /// other programs.
    ///
    /// # Errors
    /// When one is not a listening stream socket.
    pub(crate) fn received(sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let check = |socket: OwnedFd| {
            let is_listening = sockopt::socket_type(&socket)? == SocketType::STREAM
                && sockopt::socket_acceptconn(&socket)?;
            let is_unix = match sockopt::socket_domain(&socket)? {
                AddressFamily::UNIX => true,
                AddressFamily::INET | AddressFamily::INET6 => false,
                _ => return Err(wrong_kind()),
            };
            if !is_listening {
                return Err(wrong_kind());
            }
            ioctl_fionbio(&socket, true)?;
            fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
            Ok(BoundSocket { socket, is_unix })
        };
        Ok(Self(sockets.into_iter().map(check).collect::<io::Result<_>>()?))
    }

    /// The addresses they are bound to.
    #[must_use]
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        self.0.iter().filter_map(BoundSocket::endpoint).collect()
    }

    /// The files of those that are Unix sockets.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.endpoints().into_iter().filter_map(|endpoint| match endpoint {
            Endpoint::Unix(path) => Some(path),
            Endpoint::Tcp(_) | Endpoint::Abstract(_) => None,
        })
    }
}

impl BoundSocket {
    fn endpoint(&self) -> Option<Endpoint> {
        let address = getsockname(&self.socket).ok()?;
        if self.is_unix {
            let address = SocketAddrUnix::try_from(address).ok()?;
            let text = |bytes| OsStr::from_bytes(bytes);
            let path = address.path_bytes().map(|path| Endpoint::Unix(text(path).into()));
            let name = || address.abstract_name().map(|it| Endpoint::Abstract(text(it).into()));
            return path.or_else(name);
        }
        SocketAddr::try_from(address).ok().map(Endpoint::Tcp)
    }
}

fn wrong_kind() -> io::Error {
    let reason = "it is not a listening stream socket (write ListenStream= and Accept=no)";
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
