//! The threads of the daemon: as many as it is to have, or as it can get.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::connection::relay;
use crate::guest::Engine;
use crate::process::compute::Compute;
use crate::process::workers::Workers;

/// As many event loops as `wanted`, and as many threads that compute. If the
/// system does not give them: one event loop and one that computes; if not even
/// that, the event loop computes.
///
/// # Errors
/// When there is no event loop.
pub(super) fn start(wanted: usize) -> io::Result<(Workers, Compute)> {
    let refused = match each(wanted) {
        Ok(both) => return Ok(both),
        Err(refused) => refused,
    };
    let one = (0..ATTEMPTS).find_map(|_| {
        // Those that were given, and have ended, may count for a moment.
        sleep(PAUSE);
        each(1).ok()
    });
    if let Some(both) = one {
        log::warn!(
            "Cannot start {wanted} event loops and {wanted} computing threads ({refused}): one of \
             each is used"
        );
        return Ok(both);
    }
    log::warn!("Cannot start a computing thread ({refused}): the event loop does its work");
    Ok((Workers::start(1, prepare_loop)?, Compute::inline()))
}

fn each(count: usize) -> io::Result<(Workers, Compute)> {
    let compute = Compute::start(count, Engine::prepare_thread)?;
    Ok((Workers::start(count, prepare_loop)?, compute))
}

/// Makes what the connections of an event loop share. The first of them would
/// make it otherwise.
fn prepare_loop() {
    Engine::prepare_thread();
    relay::prepare_loop();
}

const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);
