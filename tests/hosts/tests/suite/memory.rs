//! What a session takes.

use spiped_host_tests::{Host, figures};

/// Not more than a few times what it should: what is measured is a whole program,
/// with its own waste.
pub(crate) fn of_a_session(host: &Host) {
    let figures = figures(host, 10);
    let session = figures["session, KiB"];
    assert!(session < host.session_kib, "{figures:?}");
}
