//! What becomes of connections whose key is taken away.

use spiped_tests::exchange::NAP;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Ending, Lab, OTHER_KEY, Spiped, key_called, wait};

use super::{Keys, expect_refusal, expect_service, reload};

#[test]
fn established_connections_live_on_and_new_ones_are_refused() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).start();
    let (alice, bob) = (keys.client(&server, "alice"), keys.client(&server, "bob"));
    let mut conn = expect_service(&alice);
    keys.remove("alice");
    reload(&server);
    conn.expect_echo(b"still open");
    expect_refusal(&alice);
    expect_service(&bob);
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
    server.process.wait_for_stderr(": key alice: closed: ");
}

#[test]
fn close_revoked_resets_them_and_spares_the_others() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).args(&["--close-revoked"]).start();
    let (alice, bob) = (keys.client(&server, "alice"), keys.client(&server, "bob"));
    let (mut revoked, mut of_revoked) = (alice.connect(), backend.accept());
    let (mut spared, mut of_spared) = (bob.connect(), backend.accept());
    revoked.send(b"a");
    assert_eq!(of_revoked.receive(1), b"a");
    keys.remove("alice");
    // The key goes on under another name.
    keys.remove("bob");
    lab.write_key("keys/robert", key_called("bob"));
    reload(&server);
    of_revoked.expect_nothing_but(Ending::Reset);
    revoked.expect_nothing_but(Ending::Reset);
    let line = ": key alice: reset: the key was revoked; 0 bytes sent, 1 bytes received";
    server.process.wait_for_stderr(line);
    spared.send(b"still open");
    assert_eq!(of_spared.receive(10), b"still open");
    expect_refusal(&alice);
}

#[test]
fn close_revoked_finds_connections_that_have_slept() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).args(&["--close-revoked"]).start();
    let client = keys.client(&server, "alice");
    let mut conn = expect_service(&client);
    wait::observe(NAP);
    keys.remove("alice");
    reload(&server);
    conn.expect_nothing_but(Ending::Reset);
}

#[test]
fn close_revoked_works_for_the_key_of_a_client() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).args(&["--close-revoked"]);
    let client = client.args(&["--log-level", "info"]).start();
    let mut conn = expect_service(&client);
    lab.write_key("key", OTHER_KEY);
    reload(&client);
    conn.expect_nothing_but(Ending::Reset);
}

#[test]
fn connection_in_its_handshake_is_refused() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).start();
    let begin =
        |name| Handshake::begin(server.connect(), Side::Client, key_called(name).as_bytes());
    let (mut revoked, spared) = (begin("alice"), begin("bob"));
    keys.remove("alice");
    reload(&server);
    let share = revoked.key_share(&revoked.public_value());
    revoked.conn.send(share);
    // As a key that never was one.
    revoked.conn.expect_nothing_but(Ending::Closed);
    server.process.wait_for_stderr(": refused: wrong key, or not a spiped peer, after");
    spared.complete().send(b"bob");
    assert_eq!(backend.accept().receive(3), b"bob");
    assert_eq!(backend.accepted(), 1);
}

#[test]
fn connection_in_its_handshake_is_refused_without_forward_secrecy_too() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).args(&["-f"]).start();
    let mut revoked = Handshake::begin(server.connect(), Side::Client, b"alice");
    keys.remove("alice");
    reload(&server);
    let share = revoked.key_share(&revoked.public_value());
    revoked.conn.send(share);
    // It is not told that its key was known.
    revoked.conn.expect_nothing_but(Ending::Closed);
    assert_eq!(backend.accepted(), 0);
}
