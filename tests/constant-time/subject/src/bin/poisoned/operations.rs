//! The operations, each with its secrets poisoned.
//!
//! What one end sends is published before the other gets it: it is on the
//! wire. What stays inside stays poisoned. The calls are the same for both
//! worlds, and every function is called from one place and stays a frame of
//! its own, so that a report names the operation.

use spiped_core::{KeyExchange, Side};

use crate::memcheck::{poison, poison_text, publish};
use spiped_subject::{Exchange, Psk, Session, World};

/// A name for the command line, and what it runs.
pub(crate) type Group<W> = (&'static str, fn(&W));

/// Everything there is to run.
pub(crate) const fn groups<W: World>() -> [Group<W>; 8] {
    [
        ("handshake-modp2048", handshake_modp2048),
        ("handshake-x25519", handshake_x25519),
        ("packets", packets),
        ("plaintext", plaintext),
        ("key-search-modp2048", key_search_modp2048),
        ("key-search-x25519", key_search_x25519),
        ("pairing-comparing", pairing_comparing),
        ("pairing-code", pairing_code),
    ]
}

/// Keys that a server accepts, with a number that fills no lanes.
const KEYS: u8 = 21;

#[inline(never)]
fn handshake_modp2048<W: World>(world: &W) {
    established(world, KeyExchange::Modp2048);
}

#[inline(never)]
fn handshake_x25519<W: World>(world: &W) {
    established(world, KeyExchange::X25519);
}

/// Under secret keys: runs of several lengths are sealed, a session sleeps, and
/// forged packets are refused. Genuine ones would show their length.
#[inline(never)]
fn packets<W: World>(world: &W) {
    let (client, mut server) = established(world, KeyExchange::X25519);
    let mut client = world.sleep_and_wake(client);
    let plain = secret_plain();
    for len in RUNS {
        let mut sealed = sent(client.seal(&plain[..len]));
        sealed[0] ^= 1;
        let (_, genuine) = server.open(&sealed);
        assert!(!genuine, "a forged packet is refused");
    }
}

/// Secret plaintext under keys that are known: its length is in the open, and
/// so it is when the packets are opened.
#[inline(never)]
fn plaintext<W: World>(world: &W) {
    let psk = [7; 32];
    let (mut client, hello) = greeting(world, KeyExchange::X25519, &psk, &[4; 32]);
    let mut server = world.accept(&psk, &OUR_NONCE, &hello, &[3; 32]);
    agree(&mut client, &mut server);
    let plain = secret_plain();
    for len in RUNS {
        // Not published, or nothing would be secret any more.
        let (opened, genuine) = server.open(&client.seal(&plain[..len]));
        assert!(genuine && opened.len() == len, "what was sealed can be opened");
    }
}

/// Bytes to seal in a call: one packet, and as many as take every path through
/// the kernels, which hash up to 16 packets at once.
const RUNS: [usize; 4] = [1, 1024, 5 * 1024, PLAIN_LEN];
const PLAIN_LEN: usize = 25 * 1024 - 7;

fn secret_plain() -> Vec<u8> {
    let mut plain = vec![7; PLAIN_LEN];
    poison(&mut plain);
    plain
}

#[inline(never)]
fn key_search_modp2048<W: World>(world: &W) {
    key_search(world, KeyExchange::Modp2048);
}

#[inline(never)]
fn key_search_x25519<W: World>(world: &W) {
    key_search(world, KeyExchange::X25519);
}

#[inline(never)]
fn pairing_comparing<W: World>(world: &W) {
    pairing(world, None);
}

#[inline(never)]
fn pairing_code<W: World>(world: &W) {
    let mut code = "4711 correct horse".to_owned();
    poison_text(&mut code);
    pairing(world, Some(&code));
}

fn pairing<W: World>(world: &W, code: Option<&str>) {
    let mut client = world.pair(Side::Client, code, &secret(different(1)));
    let mut server = world.pair(Side::Server, code, &secret(different(2)));
    let (mut from_client, mut from_server) = (sent(client.start()), sent(server.start()));
    for round in 0..3 {
        if round == 2 && code.is_none() {
            from_client.extend(sent(client.confirm()));
            from_server.extend(sent(server.confirm()));
        }
        let answer = sent(server.receive(&from_client));
        from_client = sent(client.receive(&[from_server, answer].concat()));
        from_server = Vec::new();
    }
    let [client, server] = [client.take_key(), server.take_key()].map(published);
    assert_eq!(client, server, "both ends have the key");
}

/// A client with one of the server's keys, or with none of them.
// protocol.md A-5
fn key_search<W: World>(world: &W, exchange: KeyExchange) {
    let psks: Vec<Psk> = (0..KEYS).map(|key| secret([key; 32])).collect();
    for (key, expected) in [(0, Some(0)), (KEYS - 1, Some(KEYS - 1)), (KEYS, None)] {
        let (_, hello) = greeting(world, exchange, &secret([key; 32]), &secret([4; 32]));
        let found = world.identify(&psks, &OUR_NONCE, &hello);
        // Whose connection it is shows in all that follows.
        let found = found.map(|index| u32::from_le_bytes(published(index.to_le_bytes())));
        assert_eq!(found, expected.map(u32::from));
    }
}

/// Both ends of a connection.
// protocol.md K-3
fn established<W: World>(world: &W, exchange: KeyExchange) -> (W::Session, W::Session) {
    let psk = secret([7; 32]);
    let (mut client, hello) = greeting(world, exchange, &psk, &secret([4; 32]));
    let mut server = world.accept(&psk, &OUR_NONCE, &hello, &secret([3; 32]));
    agree(&mut client, &mut server);
    (client, server)
}

/// What is left of the handshake after the client's hello.
fn agree(client: &mut impl Session, server: &mut impl Session) {
    let share = sent(server.compute());
    client.handshake(&share);
    client.compute();
    server.compute();
}

/// The nonce a server has sent. Nonces are public.
const OUR_NONCE: [u8; 32] = [2; 32];

/// A client that has sent its hello, nonce and key share.
fn greeting<W: World>(
    world: &W,
    exchange: KeyExchange,
    psk: &Psk,
    exponent: &[u8; 32],
) -> (W::Session, Vec<u8>) {
    let mut entropy = [1; 64];
    entropy[32..].copy_from_slice(exponent);
    let mut client = world.connect(exchange, psk, &entropy);
    let mut hello = sent(client.start());
    hello.extend(sent(client.compute()));
    hello.extend(sent(client.handshake(&OUR_NONCE)));
    (client, hello)
}

fn published<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    publish(&mut bytes);
    bytes
}

/// Bytes on the wire.
fn sent(mut bytes: Vec<u8>) -> Vec<u8> {
    publish(&mut bytes);
    bytes
}

/// Bytes that are not all the same: those are no randomness.
fn different(first: u8) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[1] = first;
    bytes
}

fn secret<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    poison(&mut bytes);
    bytes
}
