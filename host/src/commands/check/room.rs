//! Whether there is room for all connections that are asked for: descriptors,
//! memory and threads against the limits of this process. A unit has its own.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::finding::Findings;
use super::pipe::Examined;
use crate::config::{Origin, Settings};
use crate::daemon::capacity::Need;

/// Compares the need with what there is.
pub(super) fn check(settings: &Settings, process: &mut Findings, pipes: &mut [Examined]) {
    let need = Need::of(settings);
    let room = need.make_room(0, settings.origin != Origin::CommandLine);
    let shares = match need.within(&room) {
        Ok(shares) => shares,
        Err(error) => return process.error(CONNECTIONS, error),
    };
    for ((pipe, share), examined) in settings.pipes.iter().zip(&shares.pipes).zip(pipes) {
        if let Some(asked) = pipe.connection_limit
            && asked > share.connections
        {
            let reason = need.reason(&room, &shares);
            let possible = share.connections;
            let words =
                format!("Of {asked} connections at once, {possible} are possible: {reason}");
            examined.findings.warning(CONNECTIONS, words);
        }
    }
    // Each event loop has one that computes beside it.
    let wanted = 2 * shares.loops() + OTHER_THREADS;
    let possible = threads_possible(wanted);
    if possible < wanted {
        process.warning(
            "threads",
            format!(
                "Of {wanted} threads, {possible} are possible, and connections will share fewer \
                 event loops: raise the limit with TasksMax= or ulimit -u"
            ),
        );
    }
}

/// How many of these threads there can be at once. Nobody but the system knows
/// all that limits them.
fn threads_possible(wanted: usize) -> usize {
    let (end, ended) = channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let spawn = |_| {
        let ended = ended.clone();
        let wait = move || {
            // Until the other end is dropped.
            let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).recv();
        };
        thread::Builder::new().stack_size(SMALL_STACK).spawn(wait).ok()
    };
    let threads: Vec<_> = (0..wanted).map_while(spawn).collect();
    drop(end);
    let possible = threads.len();
    for thread in threads {
        // It has nothing to panic about.
        let _ = thread.join();
    }
    possible
}

const CONNECTIONS: &str = "max-connections";
/// The main one, the log's, the sandbox's clock, and one to spare.
const OTHER_THREADS: usize = 4;
const SMALL_STACK: usize = 64 << 10;
