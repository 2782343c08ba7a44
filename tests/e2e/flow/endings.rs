//! How the end of one connection reaches the other side.

use spiped_tests::{Backend, Conn, Ending, Lab, Pair, Spiped};

#[test]
fn half_close_by_the_application_leaves_the_reply_open() {
    let lab = Lab::new();
    let (pair, mut conn, mut target) = connected(&lab);
    conn.send(b"question");
    conn.half_close();
    assert_eq!(target.receive_all(), b"question");
    target.send(b"answer");
    assert_eq!(conn.receive(6), b"answer");
    target.send(b", and more");
    target.half_close();
    assert_eq!(conn.receive_all(), b", and more");
    drop(pair);
}

#[test]
fn half_close_by_the_target_leaves_the_request_open() {
    let lab = Lab::new();
    let (pair, mut conn, mut target) = connected(&lab);
    target.send(b"greeting");
    target.half_close();
    assert_eq!(conn.receive_all(), b"greeting");
    conn.send(b"request");
    assert_eq!(target.receive(7), b"request");
    conn.half_close();
    target.expect_nothing_but(Ending::Closed);
    drop(pair);
}

#[test]
fn close_without_data_reaches_the_target() {
    let lab = Lab::new();
    let (pair, conn, mut target) = connected(&lab);
    drop(conn);
    target.expect_nothing_but(Ending::Closed);
    drop(pair);
}

#[test]
fn close_without_data_reaches_the_application() {
    let lab = Lab::new();
    let (pair, mut conn, target) = connected(&lab);
    drop(target);
    conn.expect_nothing_but(Ending::Closed);
    drop(pair);
}

#[test]
fn reset_by_the_application_reaches_the_target_as_a_reset() {
    let lab = Lab::new();
    let (pair, mut conn, mut target) = connected(&lab);
    conn.send(b"half a");
    assert_eq!(target.receive(6), b"half a");
    conn.reset();
    target.expect_nothing_but(Ending::Reset);
    drop(pair);
}

#[test]
fn reset_by_the_target_reaches_the_application_as_a_reset() {
    let lab = Lab::new();
    let (pair, mut conn, mut target) = connected(&lab);
    target.send(b"half a");
    assert_eq!(conn.receive(6), b"half a");
    target.reset();
    conn.expect_nothing_but(Ending::Reset);
    drop(pair);
}

#[test]
fn reset_after_a_half_close_reaches_the_other_side() {
    let lab = Lab::new();
    let (pair, mut conn, mut target) = connected(&lab);
    conn.half_close();
    target.expect_nothing_but(Ending::Closed);
    target.reset();
    conn.expect_nothing_but(Ending::Reset);
    drop(pair);
}

#[test]
fn close_and_reset_that_cross_harm_nobody_else() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let (mut bystander, mut bystanders_target) = (pair.connect(), backend.accept());
    for _ in 0..50 {
        let (conn, target) = (pair.connect(), backend.accept());
        target.half_close();
        conn.reset();
    }
    for _ in 0..50 {
        let (conn, target) = (pair.connect(), backend.accept());
        conn.half_close();
        target.reset();
    }
    bystander.send(b"still here");
    assert_eq!(bystanders_target.receive(10), b"still here");
    assert!(pair.client().process.is_running());
    assert!(pair.server.process.is_running());
}

#[test]
fn early_end_of_one_connection_leaves_another_alone() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let (mut short, mut long) = (pair.connect(), pair.connect());
    short.expect_echo(b"one");
    long.expect_echo(b"two");
    drop(short);
    long.expect_echo(b"three");
}

#[test]
fn refusing_target_of_encrypt_mode_ends_the_source() {
    let lab = Lab::new();
    let client = Spiped::encrypt(&lab, &lab.tcp()).start();
    client.connect().expect_end_without_data();
}

#[test]
fn refusing_target_of_decrypt_mode_ends_the_source() {
    let lab = Lab::new();
    let pair = Pair::ours(&lab, &lab.tcp());
    pair.connect().expect_end_without_data();
}

#[test]
fn missing_unix_target_ends_the_source() {
    let lab = Lab::new();
    let pair = Pair::ours(&lab, &lab.unix("nobody-here"));
    pair.connect().expect_end_without_data();
}

/// Two ends, the application's connection and what it is at the target.
fn connected(lab: &Lab) -> (Pair, Conn, Conn) {
    let backend = Backend::manual(lab);
    let pair = Pair::ours(lab, backend.endpoint());
    let conn = pair.connect();
    let target = backend.accept();
    (pair, conn, target)
}
