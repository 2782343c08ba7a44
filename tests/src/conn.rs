//! A connected socket with test-sized manners.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use socket2::Socket;

use crate::wait::LIMIT;
use crate::{Endpoint, Link, procfs, wait};

/// Who takes nothing for this long is not just slow.
const STUCK: Duration = Duration::from_millis(500);

/// A receive buffer that is soon full.
pub(crate) const NARROW: usize = 8 * 1024;

/// One end of a stream connection. No call blocks longer than
/// [`LIMIT`].
pub struct Conn {
    socket: Socket,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The other end closed its direction: end of file.
    Closed,
    /// The connection was reset.
    Reset,
}

impl Conn {
    /// Connects.
    ///
    /// # Errors
    /// What `connect` says, such as a refusal.
    pub fn connect(to: &Endpoint) -> io::Result<Self> {
        let socket = to.socket();
        socket.connect(&to.address())?;
        Ok(Self::new(socket))
    }

    /// Connects where somebody must be listening.
    #[track_caller]
    pub fn to(endpoint: &Endpoint) -> Self {
        Self::connect(endpoint).unwrap_or_else(|e| panic!("connecting to {endpoint}: {e}"))
    }

    /// As [`to`](Self::to), with little room for what is not read.
    #[track_caller]
    pub fn narrow_to(endpoint: &Endpoint) -> Self {
        let socket = endpoint.socket();
        socket.set_recv_buffer_size(NARROW).unwrap();
        socket.connect(&endpoint.address()).unwrap();
        Self::new(socket)
    }

    /// Connects from an address of this host.
    #[track_caller]
    pub fn to_from(endpoint: &Endpoint, from: IpAddr) -> Self {
        let socket = endpoint.socket();
        socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of this host");
        socket.connect(&endpoint.address()).unwrap_or_else(|e| panic!("connecting: {e}"));
        Self::new(socket)
    }

    pub(crate) fn new(socket: Socket) -> Self {
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.set_write_timeout(Some(LIMIT)).unwrap();
        Self { socket }
    }

    /// From now on it blocks not at all.
    pub(crate) fn set_nonblocking(&self) {
        self.socket.set_nonblocking(true).unwrap();
    }

    /// Sends all of `bytes`.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).expect("sending");
    }

    /// Sends a byte as TCP's urgent data.
    #[track_caller]
    pub fn send_urgent(&mut self, byte: u8) {
        assert_eq!(self.socket.send_out_of_band(&[byte]).expect("sending"), 1);
    }

    /// Sends `bytes` as far as the other end still takes them.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref());
    }

    /// Sends of `bytes` what the other end takes, until it takes nothing for a
    /// while. Says how many bytes that were.
    pub fn send_until_stuck(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let bytes = bytes.as_ref();
        self.socket.set_write_timeout(Some(STUCK)).unwrap();
        let mut sent = 0;
        while let Ok(count @ 1..) = self.socket.write(&bytes[sent..]) {
            sent += count;
        }
        self.socket.set_write_timeout(Some(LIMIT)).unwrap();
        sent
    }

    /// Receives exactly `count` bytes.
    #[track_caller]
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.socket.read_exact(&mut bytes).expect("receiving");
        bytes
    }

    /// Receives to the end, however it comes.
    #[track_caller]
    pub fn receive_to_end(&mut self) -> (Vec<u8>, Ending) {
        let mut bytes = Vec::new();
        let ending = match self.socket.read_to_end(&mut bytes) {
            Ok(_) => Ending::Closed,
            Err(e) if e.kind() == ErrorKind::ConnectionReset => Ending::Reset,
            Err(e) => panic!("waiting for the end, after {} bytes: {e}", bytes.len()),
        };
        (bytes, ending)
    }

    /// Receives to a clean end.
    #[track_caller]
    pub fn receive_all(&mut self) -> Vec<u8> {
        let (bytes, ending) = self.receive_to_end();
        assert_eq!(ending, Ending::Closed, "after {} bytes", bytes.len());
        bytes
    }

    /// Checks that the connection ends with nothing more received.
    #[track_caller]
    pub fn expect_nothing_but(&mut self, expected: Ending) {
        assert_eq!(self.receive_to_end(), (Vec::new(), expected));
    }

    /// Checks that the connection ends, either way, with nothing received.
    #[track_caller]
    pub fn expect_end_without_data(&mut self) -> Ending {
        let (bytes, ending) = self.receive_to_end();
        assert_eq!(bytes, b"");
        ending
    }

    /// Sends `message` and checks that an echo brings it back.
    #[track_caller]
    pub fn expect_echo(&mut self, message: impl AsRef<[u8]>) {
        let message = message.as_ref();
        self.send(message);
        assert_eq!(self.receive(message.len()), message);
    }

    /// Whether `message` could be sent and came back.
    pub fn echoes(&mut self, message: &[u8]) -> bool {
        let mut reply = vec![0; message.len()];
        let outcome = self.socket.write_all(message);
        outcome.and_then(|()| self.socket.read_exact(&mut reply)).is_ok() && reply == message
    }

    /// Whether nothing, not even an end, arrives for a while.
    pub fn is_silent_for(&self, duration: Duration) -> bool {
        self.socket.set_read_timeout(Some(duration)).unwrap();
        let result = self.socket.peek(&mut [std::mem::MaybeUninit::uninit()]);
        self.socket.set_read_timeout(Some(LIMIT)).unwrap();
        matches!(result, Err(e) if e.kind() == ErrorKind::WouldBlock)
    }

    /// Ends our direction; the other stays open.
    pub fn half_close(&self) {
        // Too late is as good: the connection may have ended meanwhile.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset instead of a close.
    pub fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Waits until the other end's kernel has all that was sent.
    #[track_caller]
    pub fn wait_until_delivered(&self) {
        wait::until("all had arrived", || {
            procfs::in_flight(self.local_address(), self.peer_address()) == Some(0)
        });
    }

    /// Our end's TCP address.
    pub fn local_address(&self) -> SocketAddr {
        let address = self.socket.local_addr().unwrap();
        address.as_socket().expect("a TCP connection")
    }

    /// The other end's TCP address.
    pub fn peer_address(&self) -> SocketAddr {
        let address = self.socket.peer_addr().unwrap();
        address.as_socket().expect("a TCP connection")
    }

    /// Splits into directions that two threads can use.
    pub fn into_link(self) -> Link {
        let reader = Self::new(self.socket.try_clone().unwrap());
        Link::new(reader, HalfCloseOnDrop(self), None)
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }
}

impl Write for Conn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// The writing direction of a [`Link`] over a socket.
struct HalfCloseOnDrop(Conn);

impl Drop for HalfCloseOnDrop {
    fn drop(&mut self) {
        self.0.half_close();
    }
}

impl Write for HalfCloseOnDrop {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
