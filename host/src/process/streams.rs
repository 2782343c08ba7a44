//! The descriptors 0 to 2, if they were closed by the program that started us.

use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};

/// Runs before anything else in a program that has it in [`before_main`].
///
/// [`before_main`]: crate::before_main
pub type BeforeMain = extern "C" fn();

/// Opens those of the descriptors 0 to 2 that are closed. Otherwise a socket or a file
/// of ours could get such a number, and messages would be written to it.
///
/// The standard library opens `/dev/null` for this, and aborts if there is none, as in
/// a bare container.
pub extern "C" fn open_standard_streams() {
    // Each open takes the smallest free number. The root directory always exists,
    // anyone can open it, and it can be neither read nor written as a stream.
    while let Ok(opened) = File::open("/") {
        if opened.as_raw_fd() > 2 {
            return;
        }
        // It stays open.
        let _ = opened.into_raw_fd();
    }
}

/// Runs a function before the standard library starts. The linker decides on the order
/// of several, so none of them may depend on another: one of them once saw descriptors
/// that another had already opened.
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
