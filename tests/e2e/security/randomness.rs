//! No connection has another one's random bytes: those reveal what was sent.

use std::collections::BTreeSet;

use spiped_tests::wire::Handshake;
use spiped_tests::{AgainstClient, AgainstServer, KEY};

/// protocol.md R-1.
#[test]
fn every_connection_of_a_server_has_a_fresh_nonce_and_a_fresh_share() {
    let server = AgainstServer::start(&[]);
    expect_fresh(
        || server.handshake(),
        |handshake| {
            let ours = handshake.public_value();
            handshake.send(&ours);
            handshake.receive().to_vec()
        },
    );
    expect_fresh(
        || server.handshake(),
        |handshake| {
            handshake.conn.send(handshake.x25519_key_share());
            x25519_value(handshake)
        },
    );
}

/// protocol.md R-1.
#[test]
fn every_connection_of_a_client_has_a_fresh_nonce_and_a_fresh_share() {
    let client = AgainstClient::start(&[]);
    expect_fresh(|| client.handshake(KEY).1, |handshake| handshake.receive().to_vec());
    let client = AgainstClient::start(&["--kex", "x25519"]);
    expect_fresh(|| client.handshake(KEY).1, x25519_value);
}

/// Our nonce and our value are always the same, so that all that differs is
/// the other end's doing.
#[track_caller]
fn expect_fresh(
    connect: impl Fn() -> Handshake,
    receive_value: impl Fn(&mut Handshake) -> Vec<u8>,
) {
    const CONNECTIONS: usize = 5;
    let (mut nonces, mut values) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..CONNECTIONS {
        let mut handshake = connect();
        nonces.insert(handshake.their_nonce());
        values.insert(receive_value(&mut handshake));
    }
    assert_eq!([nonces.len(), values.len()], [CONNECTIONS; 2]);
}

/// Of a key share, whose MAC differs even if only the nonce does.
fn x25519_value(handshake: &mut Handshake) -> Vec<u8> {
    let mut share = handshake.conn.receive(64);
    share.truncate(32);
    share
}
