//! The end of the terminal that a daemon in the foreground belongs to.

use std::fs;
use std::io;
use std::process;

use signal_hook::consts::SIGHUP;
use signal_hook::low_level::{emulate_default_handler, exit};
use signal_hook_registry::register_sigaction;

/// From now on, a SIGHUP of the kernel ends the program as if nobody caught it:
/// its terminal is gone. One from a process asks for a reload. Call it before
/// SIGHUP is caught: after `nohup` it does nothing.
///
/// # Errors
/// When signals cannot be caught.
pub(super) fn end_with_it() -> io::Result<()> {
    if is_ignored() {
        return Ok(());
    }
    // SAFETY: what the handler calls may be called in a signal handler, as their
    // documentation says: one sets a disposition and raises a signal, the other
    // is `_exit`. Asking for the process id allocates and locks nothing.
    #[allow(unsafe_code, reason = "what it takes to learn who has sent a signal")]
    let registered = unsafe {
        register_sigaction(SIGHUP, |info| {
            if info.si_code == SI_KERNEL {
                if process::id() == 1 {
                    // The kernel lets no default action end this one.
                    exit(128 + SIGHUP);
                }
                let _ = emulate_default_handler(SIGHUP);
            }
        })
    };
    registered.map(drop)
}

/// Whether we were started so that SIGHUP does not end us.
fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// "Sent by the kernel", in Linux's `asm-generic/siginfo.h`.
const SI_KERNEL: i32 = 0x80;
