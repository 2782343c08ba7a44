//! What a person hears, what a program can read, and a log that nobody reads.

mod budgets;
mod fields;
mod hints;
mod json;
mod unread;
mod words;

use spiped_tests::payload::bytes;
use spiped_tests::{Conn, Daemon, Ending};

/// Whoever has no key, and says something all the same.
#[track_caller]
fn send_garbage(to: &Daemon) {
    let mut conn = to.connect();
    conn.try_send(bytes(6, 400));
    let (received, _) = conn.receive_to_end();
    assert!(received.len() <= 32);
}

/// A connection that was opened and closed, and nothing else.
#[track_caller]
fn probe(to: &Daemon) {
    let conn = to.connect();
    conn.half_close();
    end(conn);
}

#[track_caller]
fn end(mut conn: Conn) -> Ending {
    conn.receive_to_end().1
}
