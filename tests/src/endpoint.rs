//! Socket addresses in the two families the programs know.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use socket2::{Domain, SockAddr, Socket, Type};

/// A TCP address or a Unix socket; displays in the programs' syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Displays as `[address]:port`.
    Tcp(SocketAddr),
    /// Displays as the absolute path, or as `@` and the name of an abstract socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// The TCP port.
    ///
    /// # Panics
    /// On a Unix socket.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix(path) => panic!("{} has no port", path.display()),
        }
    }

    /// A new socket of the right family, neither bound nor connected.
    pub(crate) fn socket(&self) -> Socket {
        let domain = match self {
            Self::Tcp(address) => Domain::for_address(*address),
            Self::Unix(_) => Domain::UNIX,
        };
        Socket::new(domain, Type::STREAM, None).unwrap()
    }

    /// The address for socket calls.
    pub(crate) fn address(&self) -> SockAddr {
        match self {
            Self::Tcp(address) => (*address).into(),
            Self::Unix(path) => match path.to_string_lossy().strip_prefix('@') {
                Some(name) => SockAddr::unix(format!("\0{name}")).unwrap(),
                None => SockAddr::unix(path).unwrap(),
            },
        }
    }

    /// Binds a new socket here; an address that is only reserved can be shared.
    pub(crate) fn bind(&self) -> io::Result<Socket> {
        let socket = self.socket();
        socket.set_reuse_address(true)?;
        socket.bind(&self.address())?;
        Ok(socket)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "[{}]:{}", address.ip(), address.port()),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
