//! Descriptors watched by an event loop.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has this thread's event loop watch whether it is readable.
///
/// # Errors
/// When the event loop cannot watch it.
pub(crate) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    watched(descriptor, Interest::READABLE)
}

/// Has this thread's event loop watch it.
///
/// # Errors
/// When the event loop cannot watch it.
pub(super) fn watched(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: a descriptor that is owned is open and stays the same, and it is closed
    // only after the loop no longer watches it.
    #[allow(unsafe_code, reason = "an owned descriptor is what it asks for")]
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    Ok(registered?)
}
