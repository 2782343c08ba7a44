//! What this process was started with.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{SIG_IGN, SIGPIPE};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::stdio::stdout;

/// Written once, before there is a second thread.
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether SIGPIPE was ignored: then whoever started us wants to be told of a
/// reader that has left, not to see us killed.
pub(super) fn sigpipe_was_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}

/// Whether anything can be written to standard output. Where it was closed,
/// something that cannot be written to has taken its number.
pub(super) fn is_stdout_writable() -> bool {
    let mode = fcntl_getfl(stdout()).map(|flags| flags & OFlags::RWMODE);
    mode.is_ok_and(|mode| mode != OFlags::RDONLY)
}

/// Looks what becomes of SIGPIPE. Has to run before `main`, when Rust's runtime
/// has it ignored: see [`before_main`](crate::before_main).
#[allow(unsafe_code, reason = "nobody offers to ask without setting something")]
pub extern "C" fn look_at_sigpipe() {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: it sets nothing, and writes to a place of the right size.
    if unsafe { libc::sigaction(SIGPIPE, ptr::null(), action.as_mut_ptr()) } == 0 {
        // SAFETY: written, as it has succeeded.
        let action = unsafe { action.assume_init() };
        SIGPIPE_IGNORED.store(action.sa_sigaction == SIG_IGN, Ordering::Relaxed);
    }
}
