//! Ends that do not go together: no byte passes, and whoever refuses says why.

use std::io::Write as _;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::procfs::waits_for_a_lock_alone;
use crate::{Backend, Lab, LineUp, Pair, Process, wait};

/// What both ends know of it, by the names of the WIT.
struct Reasons {
    client: &'static str,
    server: Option<&'static str>,
}

/// Flags that do not go together end the connection before any data.
pub fn of_flags(line_up: LineUp, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), client_args, server_args);
    // The end with `-g` knows why; the other sees the connection end. A server
    // has all of the handshake by then.
    let reasons = if client_args == ["-g"] {
        Reasons { client: "no-forward-secrecy", server: None }
    } else {
        Reasons { client: "truncated-in-handshake", server: Some("no-forward-secrecy") }
    };
    expect(line_up, &pair, &backend, &reasons);
}

/// So do keys that do not match.
pub fn of_key(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start_with_wrong_key(&lab, backend.endpoint());
    let reasons = Reasons { client: "truncated-in-handshake", server: Some("wrong-key") };
    expect(line_up, &pair, &backend, &reasons);
}

#[track_caller]
fn expect(line_up: LineUp, pair: &Pair, backend: &Backend, reasons: &Reasons) {
    let mut link = pair.open();
    // The connection may be gone already.
    let _ = link.writer.write_all(b"this must not arrive");
    let mut spipe = link.child.take();
    let is_original = line_up.client_origin.is_original();
    let hung = spipe.as_mut().is_some_and(|spipe| is_original && end_if_it_hangs(spipe));
    link.expect_refusal();
    if let Some(mut spipe) = spipe {
        let exit = spipe.wait();
        // The original's passes its input on through a socket of its own, which
        // it may have closed by then.
        let closed = is_original && exit.signal() == Some(Signal::SIGPIPE as i32);
        // Or it crashes, rarely, when it ends its threads after it has said why.
        let crashed = is_original
            && exit.signal() == Some(Signal::SIGSEGV as i32)
            && exit.stderr.contains(REFUSED);
        if !closed && !hung && !crashed {
            exit.expect_failure(line_up.client_origin.says(reasons.client).unwrap_or_default());
        }
    }
    if let Some(words) = reasons.server.and_then(|case| line_up.server_origin.says(case)) {
        pair.server.process.wait_for_stderr(words);
    }
    while let Some(mut conn) = backend.try_accept() {
        conn.expect_end_without_data();
    }
}

/// What the original's `spipe` says of a handshake that failed.
const REFUSED: &str = "Handshake failed";

/// Waits for the end of the original's `spipe`, which may hang in it, rarely: it ends
/// threads of its own that may have a lock of the C library's streams, and `exit` then
/// waits for that for ever. The connection is over by then. Whether it hung.
fn end_if_it_hangs(spipe: &mut Process) -> bool {
    let mut since = None;
    wait::until("the original's spipe had ended", || {
        if !waits_for_a_lock_alone(spipe.pid()) {
            since = None;
        }
        let since = *since.get_or_insert_with(Instant::now);
        !spipe.is_running() || since.elapsed() > HANG
    });
    let hangs = spipe.is_running();
    if hangs {
        spipe.signal(Signal::SIGKILL);
    }
    hangs
}

/// Longer than any lock is held.
const HANG: Duration = Duration::from_secs(2);
