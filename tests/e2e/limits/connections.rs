//! `-n`: how many connections may be open at once.

use std::time::Duration;

use spiped_tests::{Backend, Conn, Lab, Pairing, Spiped};

#[test]
fn at_the_limit_the_next_connection_waits_until_one_ends() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = Pairing::OURS.start(&lab, backend.endpoint(), &["-n", "2"], &[]);
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
    let pair = Pairing::OURS.start(&lab, backend.endpoint(), &["-n", "1"], &["-n", "1"]);
    let ends: [fn(Conn); 3] = [drop, Conn::reset, |conn| conn.half_close()];
    for end in ends {
        let mut conn = pair.connect();
        conn.expect_echo(b"mine now");
        end(conn);
    }
    pair.connect().expect_echo(b"and still");
}

#[test]
fn connections_in_the_handshake_count() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "1"]);
    let server = server.start();
    let mut silent = server.connect();
    assert_eq!(silent.receive(32).len(), 32);
    let waiting = server.connect();
    assert!(waiting.is_silent_for(Duration::from_millis(300)));
    drop(silent);
    let mut waiting = waiting;
    assert_eq!(waiting.receive(32).len(), 32);
}

#[test]
fn reaching_the_limit_is_logged() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = Pairing::OURS.start(&lab, backend.endpoint(), &[], &["-n", "1"]);
    pair.connect().expect_echo(b"one");
    let stderr = &pair.server.process;
    stderr.wait_for_stderr("Maximum number of connections (1) reached");
}

#[test]
fn limit_is_a_number_as_in_c() {
    for (written, limit) in [("0x3", 3), ("010", 8)] {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", written]);
        let server = server.start();
        let _conns: Vec<_> = (0..limit).map(|_| server.connect()).collect();
        let message = format!("Maximum number of connections ({limit}) reached");
        server.process.wait_for_stderr(&message);
    }
}

#[test]
fn zero_means_unlimited() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = Pairing::OURS.start(&lab, backend.endpoint(), &["-n", "0"], &["-n", "0"]);
    let mut conns: Vec<_> = (0..120).map(|_| pair.connect()).collect();
    for conn in &mut conns {
        conn.expect_echo(b"x");
    }
    assert_eq!(backend.accepted(), 120);
}
