//! Watches sockets that are not read, and reports which of them have received
//! something.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, ioctl_fionread};
use tokio::io::unix::AsyncFd;

use crate::net::readable::readable;

/// Watches sockets without a task, a buffer or a timer for each. A socket that is
/// closed is no longer watched.
pub(super) struct Parking {
    epoll: AsyncFd<OwnedFd>,
}

/// A report about a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    /// Its number.
    pub(super) id: u64,
    /// Whether it will send no more.
    pub(super) is_over: bool,
}

impl Parking {
    /// On this event loop.
    ///
    /// # Errors
    /// When the system is short of descriptors.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll: readable(epoll)? })
    }

    /// Watches this socket, as number `id`.
    ///
    /// # Errors
    /// When the system lacks memory, or watches too much already.
    pub(super) fn watch(&self, socket: impl AsFd, id: u64) -> io::Result<()> {
        // Edge-triggered: bytes that are too few wake nobody again.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        Ok(epoll::add(self.epoll.get_ref(), socket, epoll::EventData::new_u64(id), flags)?)
    }

    /// Stops watching it: from now on, it is read.
    pub(super) fn leave_alone(&self, socket: impl AsFd) {
        // Fails for a socket that could not be watched.
        let _ = epoll::delete(self.epoll.get_ref(), socket);
    }

    /// Waits for reports. Dropping the future loses none.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub(super) async fn signs(&self) -> io::Result<Vec<Sign>> {
        loop {
            let mut ready = self.epoll.readable().await?;
            let signs = self.signs_now()?;
            if !signs.is_empty() {
                return Ok(signs);
            }
            ready.clear_ready();
        }
    }

    /// The reports there are.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub(super) fn signs_now(&self) -> io::Result<Vec<Sign>> {
        let mut events = Vec::with_capacity(AT_ONCE);
        loop {
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(self.epoll.get_ref(), buffer, Some(&NO_TIME)) {
                Ok(_) => return Ok(events.iter().map(sign).collect()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether this many bytes can be read.
pub(super) fn has_sent(socket: impl AsFd, bytes: usize) -> bool {
    ioctl_fionread(socket).is_ok_and(|there| there >= bytes as u64)
}

fn sign(event: &epoll::Event) -> Sign {
    let over = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
    // A copy, because its fields need not be aligned.
    let (data, flags) = (event.data, event.flags);
    Sign { id: data.u64(), is_over: flags.intersects(over) }
}

const AT_ONCE: usize = 256;
const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
