//! What this process was started with. The runtime of Rust changes some of it
//! before `main`: it ignores SIGPIPE, and opens `/dev/null` in place of a
//! standard stream that is closed.

#![allow(unsafe_code, reason = "nothing safe runs before main")]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{F_GETFD, SIG_IGN, SIGPIPE, STDOUT_FILENO};

/// Written once, before there is a second thread.
static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed.
#[must_use]
pub(super) fn stdout_closed() -> bool {
    STDOUT_CLOSED.load(Ordering::Relaxed)
}

/// Whether SIGPIPE was ignored: then whoever started us wants to be told of a
/// reader that has left, not to see us killed.
#[must_use]
pub(super) fn sigpipe_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}

// SAFETY: the C library calls the functions in this section, one after the
// other, before `main` and so before the runtime of Rust. It gives them
// arguments, which a function of the C calling convention may leave unread.
// By its number this comes before what opens the standard streams.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: it asks for a flag, of a number that need not be a descriptor.
    let closed = unsafe { libc::fcntl(STDOUT_FILENO, F_GETFD) } == -1;
    STDOUT_CLOSED.store(closed, Ordering::Relaxed);
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: it sets nothing, and writes to a place of the right size.
    if unsafe { libc::sigaction(SIGPIPE, ptr::null(), action.as_mut_ptr()) } == 0 {
        // SAFETY: written, as it has succeeded.
        let action = unsafe { action.assume_init() };
        SIGPIPE_IGNORED.store(action.sa_sigaction == SIG_IGN, Ordering::Relaxed);
    }
}
