//! Tells a service manager how we are, if one listens. A manager that does not
//! read is not waited for.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use sd_notify::NotifyState;

/// Start-up is done. Without `NOTIFY_SOCKET` this does nothing.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reading settings again, until [`ready`]. Without `NOTIFY_SOCKET` this does
/// nothing.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("Cannot read the clock: {error}"),
    }
}

/// Every part of us still turns. Without `NOTIFY_SOCKET` this does nothing.
pub(crate) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// From now on, this process is the service. Without `NOTIFY_SOCKET` this does
/// nothing.
pub(crate) fn main_process(pid: u32) {
    notify(&[NotifyState::MainPid(pid)]);
}

/// How we are, for a person, in one line. Without `NOTIFY_SOCKET` this does
/// nothing.
pub(crate) fn status(line: &str) {
    notify(&[NotifyState::Status(line)]);
}

/// Draining: no new connections, the last ones are being finished. Without
/// `NOTIFY_SOCKET` this does nothing.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// The manager acts on silence by itself, so a failure is only worth a line.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = send(state) {
        log::warn!("Cannot notify the service manager (NOTIFY_SOCKET): {error}");
    }
}

/// `sd_notify::notify` would wait for a manager that has its queue full.
fn send(state: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(address) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&address)?,
    };
    let mut message = String::new();
    for state in state {
        // Writing to a string cannot fail.
        let _ = writeln!(message, "{state}");
    }
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}
