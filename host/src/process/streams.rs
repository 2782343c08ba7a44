//! The descriptors 0 to 2, where whoever started us has closed them.

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};

/// Runs before anything else in a program that has it in [`before_main`].
///
/// [`before_main`]: crate::before_main
pub type BeforeMain = extern "C" fn();

/// Opens what is closed of the descriptors 0 to 2, so that no socket or file of
/// ours gets such a number and is written messages to.
///
/// The standard library opens `/dev/null` for that, and aborts where there is
/// none, as in a bare container.
pub extern "C" fn open_standard_streams() {
    // Each takes the smallest number that is free. The root directory is always
    // there, can be opened by everybody, and takes and gives no bytes.
    while let Ok(opened) = File::open("/") {
        if opened.as_raw_fd() > 2 {
            return;
        }
        // It stays open.
        let _ = opened.into_raw_fd();
    }
}

/// Runs a function before the standard library starts.
#[macro_export]
macro_rules! before_main {
    ($function:path) => {
        const _: () = {
            #[used]
            #[unsafe(link_section = ".init_array")]
            #[allow(unsafe_code, reason = "the C library calls what is in this section")]
            static BEFORE_MAIN: $crate::process::streams::BeforeMain = $function;
        };
    };
}
