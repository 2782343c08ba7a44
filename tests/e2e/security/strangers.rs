//! Whoever does not hold the key: the target never hears of them.

use std::fs;

use nix::sys::signal::Signal;
use spiped_tests::payload::bytes;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Ending, KEY, Lab, OTHER_KEY, Spiped, key_called, procfs};

#[test]
fn plain_connection_never_reaches_the_target() {
    never_reach_the_target(&[b""], "timed out");
}

#[test]
fn http_request_never_reaches_the_target() {
    let request = b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: scanner\r\n\r\n";
    never_reach_the_target(&[request], "timed out");
}

#[test]
fn tls_hello_never_reaches_the_target() {
    // A record of the usual length; what is in it does not matter here.
    let header = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let hello = [&header[..], &bytes(3, 506)].concat();
    never_reach_the_target(&[&hello], "wrong key");
}

#[test]
fn few_random_bytes_never_reach_the_target() {
    let openings = [1, 31, 32, 33, 319].map(|length| bytes(4, length));
    never_reach_the_target(&openings.each_ref().map(|o| &o[..]), "timed out");
}

/// protocol.md H-2, A-9.
#[test]
fn many_random_bytes_never_reach_the_target() {
    let openings = [320, 321, 1060, 1380, 2000].map(|length| bytes(5, length));
    never_reach_the_target(&openings.each_ref().map(|o| &o[..]), "wrong key");
}

#[test]
fn holder_of_another_key_never_reaches_the_target() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let mut stranger = Handshake::begin(server.connect(), Side::Client, OTHER_KEY);
    let share = stranger.public_value();
    stranger.send(&share);
    stranger.conn.expect_end_without_data();
    server.process.wait_for_stderr("wrong key");
    assert_eq!(backend.accepted(), 0);
}

/// protocol.md H-4, A-9.
#[test]
fn target_is_dialled_once_the_key_share_has_verified() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let mut client = Handshake::begin(server.connect(), Side::Client, KEY);
    assert_eq!(backend.accepted(), 0);
    let share = client.public_value();
    client.send(&share);
    backend.accept();
}

/// protocol.md A-9.
#[test]
fn silent_stranger_costs_the_server_a_few_kibibytes_however_many_keys_there_are() {
    // A sandbox each would be ten times that.
    const EACH_KIB: u32 = 6;
    const COUNT: u32 = 400;
    let lab = Lab::new();
    fs::create_dir(lab.path("keys")).unwrap();
    for number in 0..1024 {
        lab.write_key(&format!("keys/{number}"), key_called(&number.to_string()));
    }
    let server = Spiped::decrypt(&lab, &lab.tcp()).key("keys").args(&["-n", "0"]);
    let server = server.time_limit("60").start();
    let greeted = |count| -> Vec<_> {
        let mut strangers: Vec<_> = (0..count).map(|_| server.connect()).collect();
        for stranger in &mut strangers {
            stranger.receive(32);
        }
        strangers
    };
    let memory = || procfs::status(server.process.pid(), "VmRSS")[0];
    // What the first ones need once.
    let _some = greeted(COUNT / 10);
    let before = memory();
    let _crowd = greeted(COUNT);
    let grown = memory().saturating_sub(before);
    assert!(grown < COUNT * EACH_KIB, "{grown} KiB for {COUNT}");
}

/// Strangers get a nonce and the end, the log gets the reason, and the next
/// holder of the key gets served.
fn never_reach_the_target(openings: &[&[u8]], reason: &str) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("2");
    let mut server = server.start();
    let mut strangers: Vec<_> = openings.iter().map(|_| server.connect()).collect();
    for (stranger, opening) in strangers.iter_mut().zip(openings) {
        stranger.send(opening);
    }
    for stranger in &mut strangers {
        let (received, _) = stranger.receive_to_end();
        assert!(received.len() <= 32, "a nonce and no more");
    }
    server.process.wait_for_stderr(reason);
    assert_eq!(backend.accepted(), 0);

    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"the key holder");
    assert_eq!(backend.accepted(), 1);
    assert!(server.process.is_running());
}

/// Without an answer, only FIN says that it was refused: what was not read must not
/// make a reset of it.
#[test]
fn stranger_that_has_sent_more_than_was_read_is_closed_and_not_reset() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    for length in [321, 5000, 20_000] {
        let mut stranger = server.connect();
        stranger.send(bytes(6, length));
        let (nonce, ending) = stranger.receive_to_end();
        assert_eq!((nonce.len(), ending), (32, Ending::Closed), "after {length} bytes");
    }
}

#[test]
fn stranger_that_is_not_allowed_or_not_listened_to_is_closed_and_not_reset() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    for (args, times) in [(["--allow", "192.0.2.1"], 1), (["--handshakes", "1"], 3)] {
        let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("0.5").args(&args);
        let server = server.start();
        // All have spoken when the first is looked at.
        server.process.signal(Signal::SIGSTOP);
        let strangers: Vec<_> = (0..times)
            .map(|_| {
                let mut stranger = server.connect();
                stranger.send(bytes(7, 100));
                stranger
            })
            .collect();
        server.process.signal(Signal::SIGCONT);
        for mut stranger in strangers {
            assert_eq!(stranger.receive_to_end().1, Ending::Closed, "{args:?}");
        }
    }
}
