//! `--connections-per-key`, and what `SIGUSR1` tells.

use nix::sys::signal::Signal;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, Lab, LineUp, Spiped, key_called, wait};

use super::{Keys, counters, expect_refusal, expect_service, reload, value};

#[test]
fn key_at_its_limit_gets_no_further_connection_and_others_do() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).args(&["--connections-per-key", "2"]).start();
    let (alice, bob) = (keys.client(&server, "alice"), keys.client(&server, "bob"));
    let first = expect_service(&alice);
    let _second = expect_service(&alice);
    expect_refusal(&alice);
    let reason =
        ": key alice: refused: the key has all of its 2 connections (--connections-per-key)";
    server.process.wait_for_stderr(reason);
    expect_service(&bob);
    // A reload changes nothing about what is open.
    reload(&server);
    expect_refusal(&alice);
    assert_eq!(backend.accepted(), 3);
    drop(first);
    wait::until("the first connection was gone", || {
        value(&counters(&server, "key=alice"), "open") == 1
    });
    expect_service(&alice);
    let line = counters(&server, "key=alice");
    assert_eq!(value(&line, "refused-key-limit"), 2, "{line}");
}

#[test]
fn limit_holds_for_a_key_without_a_name_too() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let args = ["--connections-per-key", "1"];
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &args);
    let mut conn = pair.connect();
    conn.expect_echo(b"the only one");
    let mut other = pair.connect();
    other.try_send(b"this must not arrive");
    other.expect_end_without_data();
    pair.server.process.wait_for_stderr(": refused: the key has all of its 1 connections");
}

#[test]
fn limit_is_for_decrypt_mode() {
    let lab = Lab::new();
    let exit = Spiped::encrypt(&lab, &lab.tcp()).args(&["--connections-per-key", "1"]).run();
    exit.expect_failure("--connections-per-key is only for -d");
}

#[test]
fn counters_tell_what_the_pipe_and_each_key_did() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).start();
    let alice = keys.client(&server, "alice");
    let mut open = expect_service(&alice);
    for _ in 0..2 {
        let mut conn = expect_service(&alice);
        conn.half_close();
        assert_eq!(conn.receive_all(), b"");
    }
    expect_refusal(&Spiped::encrypt(&lab, server.source()).start());
    truncate_inside_a_packet(server.connect(), key_called("bob").as_bytes());
    let mut stranger = server.connect();
    stranger.half_close();
    assert_eq!(stranger.receive_all().len(), 32);
    wait::until("all but one were gone", || {
        value(&counters(&server, "counters: accepted="), "open") == 1
    });
    open.expect_echo(b"more");

    let pipe = counters(&server, "counters: accepted=");
    for (name, expected) in [
        ("accepted", 6),
        ("open", 1),
        ("sent", 6 * 3 + 4),
        ("received", 6 * 3 + 4),
        ("closed", 2),
        ("broken", 0),
        ("truncated-or-forged", 1),
        ("refused-wrong-key", 1),
        ("refused-handshake", 1),
    ] {
        assert_eq!(value(&pipe, name), expected, "{name} in {pipe}");
    }
    let alice = counters(&server, "counters: key=alice ");
    for (name, expected) in [("accepted", 3), ("open", 1), ("sent", 22), ("closed", 2)] {
        assert_eq!(value(&alice, name), expected, "{name} in {alice}");
    }
    let bob = counters(&server, "counters: key=bob ");
    assert_eq!(value(&bob, "accepted"), 1, "{bob}");
    assert_eq!(value(&bob, "truncated-or-forged"), 1, "{bob}");
}

#[test]
fn counters_come_at_every_level() {
    let lab = Lab::new();
    let server = Spiped::decrypt(&lab, &lab.tcp()).args(&["--log-level", "error"]).start();
    server.process.signal(Signal::SIGUSR1);
    server.process.wait_for_stderr(": counters: accepted=0 open=0 sent=0 received=0 closed=0 ");
}

fn truncate_inside_a_packet(conn: Conn, key: &[u8]) {
    let mut session = Handshake::begin(conn, Side::Client, key).complete();
    let packet = session.packet(b"half");
    session.conn.send(&packet[..500]);
    session.conn.half_close();
    session.conn.expect_end_without_data();
}
