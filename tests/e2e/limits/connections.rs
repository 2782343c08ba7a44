//! `-n`: how many connections may be open at once.

use std::time::Duration;

use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, LineUp, Spiped, wait};

#[test]
fn at_the_limit_the_next_connection_waits_until_one_ends() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &["-n", "2"], &[]);
    let mut first = pair.connect();
    let mut second = pair.connect();
    first.expect_echo(b"first");
    second.expect_echo(b"second");
    let mut third = pair.connect();
    third.send(b"third");
    assert!(third.is_silent_for(Duration::from_millis(300)));
    assert_eq!(backend.accepted(), 2);
    drop(first);
    assert_eq!(third.receive(5), b"third");
    second.expect_echo(b"second again");
}

#[test]
fn slots_are_released_however_a_connection_ends() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &["-n", "1"], &["-n", "1"]);
    let ends: [fn(Conn); 3] = [drop, Conn::reset, |conn| conn.half_close()];
    for end in ends {
        let mut conn = pair.connect();
        conn.expect_echo(b"mine now");
        end(conn);
    }
    pair.connect().expect_echo(b"and still");
}

#[test]
fn strangers_do_not_count_as_connections() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["-n", "1"]);
    let mut silent = [pair.server.connect(), pair.server.connect()];
    for stranger in &mut silent {
        stranger.receive(32);
    }
    pair.connect().expect_echo(b"the only connection");
}

#[test]
fn on_the_plain_end_connections_in_the_handshake_count() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let client = Spiped::encrypt(&lab, backend.endpoint()).args(&["-n", "1"]).start();
    let _first = client.connect();
    let silent = backend.accept();
    let _second = client.connect();
    wait::observe(Duration::from_millis(300));
    assert!(backend.try_accept().is_none());
    drop(silent);
    backend.accept();
}

#[test]
fn stranger_that_authenticates_at_the_limit_waits_before_the_target_is_dialled() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "1"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    // A stranger by then, and accepted.
    let late = Handshake::begin(server.connect(), Side::Client, KEY);
    let mut first = client.connect();
    first.expect_echo(b"first");
    let mut late = late;
    let share = late.public_value();
    late.send(&share);
    assert!(late.conn.is_silent_for(Duration::from_millis(300)));
    assert_eq!(backend.accepted(), 1);
    drop(first);
    let theirs = late.receive();
    let shared = late.shared_value(&theirs);
    late.establish(&shared);
    wait::until("the target was dialled", || backend.accepted() == 2);
}

#[test]
fn stranger_that_authenticates_at_the_limit_is_refused_when_its_time_is_over() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "1"]).time_limit("2");
    let server = server.start();
    let mut late = Handshake::begin(server.connect(), Side::Client, KEY);
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut first = client.connect();
    first.expect_echo(b"first");
    let share = late.public_value();
    late.send(&share);
    late.conn.expect_end_without_data();
    server.process.wait_for_stderr("all 1 connections (-n) were in use for the whole time");
    assert_eq!(backend.accepted(), 1);
    first.expect_echo(b"still");
}

#[test]
fn reaching_the_limit_is_logged() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["-n", "1"]);
    pair.connect().expect_echo(b"one");
    let stderr = &pair.server.process;
    stderr.wait_for_stderr("Maximum number of connections (1) reached");
}

#[test]
fn limit_is_a_number_as_in_c() {
    for (written, limit) in [("0x3", 3), ("010", 8)] {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let client = Spiped::encrypt(&lab, backend.endpoint()).args(&["-n", written]).start();
        let _conns: Vec<_> = (0..limit).map(|_| client.connect()).collect();
        let message = format!("Maximum number of connections ({limit}) reached");
        client.process.wait_for_stderr(&message);
    }
}

#[test]
fn zero_and_negative_numbers_mean_unlimited() {
    for unlimited in ["0", "-1"] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let limit = ["-n", unlimited];
        let pair = LineUp::OURS.start(&lab, backend.endpoint(), &limit, &limit);
        let mut conns: Vec<_> = (0..120).map(|_| pair.connect()).collect();
        for conn in &mut conns {
            conn.expect_echo(b"x");
        }
        assert_eq!(backend.accepted(), 120);
    }
}
