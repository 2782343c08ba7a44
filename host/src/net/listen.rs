//! The source: listening sockets, TCP or Unix.

mod received;
mod unix;

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with, bind,
    listen as listen_to, socket_with,
};
use tokio::io::unix::AsyncFd;

use super::accepted::Caller;
use super::readable::readable;
use super::resolve::Endpoint;

pub(crate) use super::accepted::Accepted;
pub(crate) use unix::{SocketAccess, remove_stale};

/// Connections the kernel completes ahead of `accept`. It may allow fewer.
const BACKLOG: i32 = 1024;

/// Sockets that listen already, though no runtime is there to accept yet.
#[derive(Debug)]
pub(crate) struct Bound(Vec<BoundSocket>);

#[derive(Debug)]
struct BoundSocket {
    socket: OwnedFd,
    is_unix: bool,
}

/// Binds and listens.
///
/// A Unix socket's file that a daemon left behind is removed, if nobody
/// answers on it; anything else in the way is an error. `file` says what the
/// new one is to be like.
///
/// # Errors
/// Those of `socket`, `bind` and `listen`.
pub(crate) fn listen(endpoint: &Endpoint, file: &SocketAccess) -> io::Result<Bound> {
    Ok(Bound(vec![listen_on(endpoint, file)?]))
}

/// As [`listen`], on all addresses of a name. The first has to work; of each
/// other that does not, a warning tells.
///
/// # Errors
/// Those of the first.
pub(crate) fn listen_on_all(endpoints: &[Endpoint], file: &SocketAccess) -> io::Result<Bound> {
    let mut bound = Vec::with_capacity(endpoints.len());
    for (number, endpoint) in endpoints.iter().enumerate() {
        match listen_on(endpoint, file) {
            Ok(socket) => bound.push(socket),
            Err(error) if number == 0 => return Err(error),
            Err(error) => log::warn!("Not listening on {endpoint}: {error}"),
        }
    }
    Ok(Bound(bound))
}

fn listen_on(endpoint: &Endpoint, file: &SocketAccess) -> io::Result<BoundSocket> {
    match endpoint {
        Endpoint::Tcp(address) => {
            let socket = bound_to(address)?;
            listen_to(&socket, BACKLOG)?;
            Ok(BoundSocket { socket, is_unix: false })
        }
        Endpoint::Unix(path) => {
            Ok(BoundSocket { socket: file.listen(path, BACKLOG)?, is_unix: true })
        }
        // It has no file that could be stale, or have a mode or an owner.
        Endpoint::Abstract(name) => {
            let socket = stream_socket(AddressFamily::UNIX)?;
            bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
            listen_to(&socket, BACKLOG)?;
            Ok(BoundSocket { socket, is_unix: true })
        }
    }
}

/// A socket that has this address, and does not listen yet. Where another one
/// listens, or the address is not ours, that is an error.
///
/// # Errors
/// Those of `socket` and `bind`.
pub(crate) fn bound_to(address: &SocketAddr) -> io::Result<OwnedFd> {
    let socket = tcp_socket(address)?;
    set_socket_reuseaddr(&socket, true)?;
    bind(&socket, address)?;
    Ok(socket)
}

/// A socket for this kind of address.
pub(super) fn tcp_socket(address: &SocketAddr) -> io::Result<OwnedFd> {
    stream_socket(match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    })
}

/// One that a runtime can watch, and that no other program inherits.
fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(socket_with(family, SocketType::STREAM, STREAM_FLAGS, None)?)
}

const STREAM_FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

impl Bound {
    /// Hands the sockets to the runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch one.
    pub(crate) fn into_listener(self) -> io::Result<Listener> {
        let listening = |socket: BoundSocket| socket.into_listening().map(Arc::new);
        let sockets = self.0.into_iter().map(listening).collect::<io::Result<_>>()?;
        Ok(Listener { sockets, next: AtomicUsize::new(0) })
    }

    /// The sockets, to be given away.
    pub(crate) fn sockets(&self) -> impl ExactSizeIterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|bound| bound.socket.as_fd())
    }
}

impl BoundSocket {
    fn into_listening(self) -> io::Result<Listening> {
        Ok(Listening { socket: readable(self.socket)?, is_unix: self.is_unix })
    }
}

/// The sockets of a source.
#[derive(Debug)]
pub(crate) struct Listener {
    /// At least one.
    sockets: Vec<Arc<Listening>>,
    /// Which is asked first: a flood on one must not keep the others waiting.
    next: AtomicUsize,
}

/// Not a listener of the runtime's: that has the event loop watch what is accepted,
/// which another one is going to do.
#[derive(Debug)]
struct Listening {
    socket: AsyncFd<OwnedFd>,
    is_unix: bool,
}

impl Listener {
    /// All sockets as one listener.
    #[must_use]
    pub(crate) fn of_all<'a>(listeners: impl IntoIterator<Item = &'a Self>) -> Self {
        let sockets = listeners.into_iter().flat_map(|listener| &listener.sockets).cloned();
        Self { sockets: sockets.collect(), next: AtomicUsize::new(0) }
    }

    /// The sockets, to be given away.
    #[must_use]
    pub(crate) fn sockets(&self) -> Vec<BorrowedFd<'_>> {
        self.sockets.iter().map(|socket| socket.as_fd()).collect()
    }

    /// The next connection of any of the sockets.
    ///
    /// # Errors
    /// Those of `accept`.
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let count = self.sockets.len();
        let first = self.next.load(Ordering::Relaxed);
        for index in (first..first + count).map(|index| index % count) {
            if let Poll::Ready(accepted) = self.sockets[index].poll_accept(context) {
                self.next.store((index + 1) % count, Ordering::Relaxed);
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

impl Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        loop {
            let mut ready = ready!(self.socket.poll_read_ready(context))?;
            // By hand, and not with the runtime's listener: see [`Accepted`].
            match retry_on_intr(|| acceptfrom_with(&self.socket, STREAM_FLAGS)) {
                Ok((stream, _)) if self.is_unix => {
                    return Poll::Ready(Ok(Accepted::Unix(UnixStream::from(stream))));
                }
                Ok((stream, address)) => {
                    let address = address.and_then(|address| address.try_into().ok());
                    let caller = address.map(Caller::Direct).ok_or_else(from_nowhere);
                    let accepted = |caller| Accepted::Tcp(TcpStream::from(stream), caller);
                    return Poll::Ready(caller.map(accepted));
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

/// Cannot happen: the kernel reports the address of a TCP peer.
fn from_nowhere() -> io::Error {
    io::Error::other("the connection has no address")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn flooded_socket_does_not_keep_the_others_waiting() {
        let any = [loopback(), loopback(), loopback()];
        let bound = listen_on_all(&any, &SocketAccess::default()).unwrap();
        let addresses: Vec<_> = bound.0.iter().map(BoundSocket::address).collect();
        let listener = bound.into_listener().unwrap();
        let mut clients: Vec<_> = (0..20).map(|_| connect(addresses[0])).collect();
        clients.extend(addresses[1..].iter().map(|address| connect(*address)));
        let mut heard = Vec::new();
        for _ in 0..6 {
            let Accepted::Tcp(stream, _) = listener.accept().await.unwrap() else { panic!() };
            heard.push(stream.local_addr().unwrap());
        }
        assert!(addresses.iter().all(|address| heard.contains(address)), "{heard:?}");
    }

    #[test]
    fn only_the_first_address_has_to_work() {
        let taken = listen(&loopback(), &SocketAccess::default()).unwrap();
        let occupied = Endpoint::Tcp(taken.0[0].address());
        let listen = |endpoints: &[Endpoint]| listen_on_all(endpoints, &SocketAccess::default());
        assert_eq!(listen(&[loopback(), occupied.clone()]).unwrap().0.len(), 1);
        let refused = listen(&[occupied, loopback()]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    fn loopback() -> Endpoint {
        Endpoint::Tcp("127.0.0.1:0".parse().unwrap())
    }

    /// Once it is in the queue.
    fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).unwrap()
    }

    impl BoundSocket {
        fn address(&self) -> SocketAddr {
            rustix::net::getsockname(&self.socket).unwrap().try_into().unwrap()
        }
    }
}
