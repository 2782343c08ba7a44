//! `-o`: how long a connection may take to be established.

use std::time::{Duration, Instant};

use spiped_tests::{Backend, Ending, Lab, LineUp, Spiped, wait};

#[test]
fn silent_client_is_dropped_after_the_time_limit() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("0.5");
    let server = server.start();
    let start = Instant::now();
    let mut silent = server.connect();
    let (nonce, ending) = silent.receive_to_end();
    assert_eq!((nonce.len(), ending), (32, Ending::Closed));
    assert_about_half_a_second(start);
}

#[test]
fn silent_server_is_dropped_after_the_time_limit() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let client = Spiped::encrypt(&lab, backend.endpoint()).time_limit("0.5");
    let client = client.start();
    let start = Instant::now();
    let mut conn = client.connect();
    let _silent = backend.accept();
    conn.expect_end_without_data();
    assert_about_half_a_second(start);
}

#[test]
fn trickling_does_not_extend_the_time_limit() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("0.5");
    let server = server.start();
    let start = Instant::now();
    let mut link = server.connect().into_link();
    let mut nonce = [0; 32];
    link.reader.read_exact(&mut nonce).unwrap();
    while link.writer.write_all(b"x").is_ok() {
        wait::observe(Duration::from_millis(50));
    }
    assert_about_half_a_second(start);
}

#[test]
fn zero_means_the_default_of_five_seconds() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("0");
    let server = server.start();
    let start = Instant::now();
    let _ = server.connect().receive_to_end();
    assert!(start.elapsed() > Duration::from_secs(4));
}

#[test]
fn established_connections_are_not_covered() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("2");
    let server = server.start();
    let client = Spiped::encrypt(&lab, server.source()).time_limit("2").start();
    let mut conn = client.connect();
    conn.expect_echo(b"before");
    wait::observe(Duration::from_millis(2500));
    conn.expect_echo(b"after");
}

#[test]
fn silent_connections_do_not_delay_others() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["-n", "0"]);
    let silent: Vec<_> = (0..150).map(|_| pair.server.connect()).collect();
    let mut conn = pair.connect();
    conn.expect_echo(b"not waiting for anybody");
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
    drop(silent);
}

/// Generous upwards, for a machine that is busy with something else.
fn assert_about_half_a_second(start: Instant) {
    let elapsed = start.elapsed();
    assert!(elapsed > Duration::from_millis(400), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}
