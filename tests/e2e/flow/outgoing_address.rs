//! `-b`: the address that a target is dialled from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use spiped_tests::{Backend, Ending, Lab, LineUp, Pair, Spipe, Spiped};

#[test]
fn bare_without_port() {
    assert_eq!(dialled_from("127.0.0.77").ip(), HERE);
}

#[test]
fn in_brackets_without_port() {
    assert_eq!(dialled_from("[127.0.0.77]").ip(), HERE);
}

#[test]
fn bare_with_port() {
    let lab = Lab::new();
    let port = lab.tcp_on(HERE).port();
    assert_eq!(dialled_from(&format!("127.0.0.77:{port}")), SocketAddr::new(HERE, port));
}

#[test]
fn in_brackets_with_port() {
    let lab = Lab::new();
    let port = lab.tcp_on(HERE).port();
    assert_eq!(dialled_from(&format!("[127.0.0.77]:{port}")), SocketAddr::new(HERE, port));
}

#[test]
fn encrypt_mode_and_spipe_dial_from_it_too() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let client = Spiped::encrypt(&lab, backend.endpoint()).args(&["-b", "127.0.0.77"]);
    let client = client.start();
    let _conn = client.connect();
    assert_eq!(backend.accept().peer_address().ip(), HERE);
    let spipe = Spipe::to(&lab, backend.endpoint()).args(&["-b", "127.0.0.77"]);
    let _spipe = spipe.start();
    assert_eq!(backend.accept().peer_address().ip(), HERE);
}

#[test]
fn other_family_than_the_target_ends_the_connection() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["-b", "[::1]"]);
    pair.connect().expect_end_without_data();
    assert_eq!(backend.accepted(), 0);
    assert!(pair.server.process.is_running());
    assert!(pair.client().process.is_running());
}

#[test]
fn without_it_the_kernel_chooses() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let target = backend.accept();
    assert_eq!(target.peer_address().ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    drop(target);
    conn.expect_nothing_but(Ending::Closed);
}

/// Where a connection comes from, as the target sees it.
fn dialled_from(address: &str) -> SocketAddr {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["-b", address]);
    let mut conn = pair.connect();
    conn.send(b"hello");
    let mut target = backend.accept();
    assert_eq!(target.receive(5), b"hello");
    target.peer_address()
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
