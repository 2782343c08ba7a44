//! The key does not show up where it should not.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, KEY, Lab, OTHER_KEY, Spiped};

/// protocol.md K-2.
#[test]
fn log_never_contains_the_key() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["--log-level", "debug"]).start();
    let client = Spiped::encrypt(&lab, server.source()).args(&["--log-level", "debug"]).start();
    client.connect().expect_echo(b"established");
    let mut stranger = Handshake::begin(server.connect(), Side::Client, OTHER_KEY);
    let share = stranger.public_value();
    stranger.send(&share);
    stranger.conn.expect_end_without_data();
    let mut forger = Handshake::begin(server.connect(), Side::Client, KEY).complete();
    forger.conn.send([0; 1060]);
    forger.conn.expect_end_without_data();
    server.process.wait_for_stderr("forged");

    for daemon in [&server, &client] {
        let log = daemon.process.stderr().to_lowercase();
        for secret in [KEY, &Sha256::digest(KEY)] {
            assert!(!log.contains(&hex(secret)), "{log}");
        }
        assert!(!log.contains(String::from_utf8_lossy(KEY).trim_end()), "{log}");
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
