//! Reports our state to a service manager, if there is one. Never waits for a manager
//! that does not read.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use sd_notify::NotifyState;

/// Reports that the start is complete. Without `NOTIFY_SOCKET` this does nothing.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reports a reload, until [`ready`]. Without `NOTIFY_SOCKET` this does nothing.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("Cannot read the clock: {error}"),
    }
}

/// Reports that every part of the process is responsive. Without `NOTIFY_SOCKET` this
/// does nothing.
pub(crate) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// Reports that this process is the main process of the service. Without
/// `NOTIFY_SOCKET` this does nothing.
pub(crate) fn main_process(pid: u32) {
    notify(&[NotifyState::MainPid(pid)]);
}

/// Reports the state in one line, for a person. Without `NOTIFY_SOCKET` this does
/// nothing.
pub(crate) fn status(line: &str) {
    notify(&[NotifyState::Status(line)]);
}

/// Reports that the process drains. Without `NOTIFY_SOCKET` this does nothing.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// The manager reacts to missing reports by itself, so a failure is only logged.
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
