//! Sources and targets in every form of address.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::time::Duration;

use spiped_tests::{Backend, Conn, Crowded, Endpoint, Lab, Spiped};

#[test]
fn unix_sockets_everywhere() {
    let lab = Lab::new();
    crosses(&lab, &lab.unix("source"), &lab.unix("middle"), &lab.unix("target"));
}

#[test]
fn unix_socket_as_the_application_side_only() {
    let lab = Lab::new();
    crosses(&lab, &lab.unix("source"), &lab.tcp(), &lab.tcp());
}

#[test]
fn unix_socket_as_the_encrypted_side_only() {
    let lab = Lab::new();
    crosses(&lab, &lab.tcp(), &lab.unix("middle"), &lab.tcp());
}

#[test]
fn unix_socket_as_the_service_side_only() {
    let lab = Lab::new();
    crosses(&lab, &lab.tcp(), &lab.tcp(), &lab.unix("target"));
}

#[test]
fn ipv6_everywhere() {
    let lab = Lab::new();
    crosses(&lab, &lab.tcp6(), &lab.tcp6(), &lab.tcp6());
}

#[test]
fn ipv6_between_ipv4() {
    let lab = Lab::new();
    crosses(&lab, &lab.tcp(), &lab.tcp6(), &lab.tcp());
}

#[test]
fn target_in_brackets() {
    target_written_as(|port| format!("[127.0.0.1]:{port}"));
}

#[test]
fn target_as_bare_ipv4() {
    target_written_as(|port| format!("127.0.0.1:{port}"));
}

#[test]
fn target_as_a_name() {
    target_written_as(|port| format!("localhost:{port}"));
}

#[test]
fn target_as_bare_ipv6() {
    let lab = Lab::new();
    let backend = Backend::echo_at(&lab.tcp6());
    let port = backend.endpoint().port();
    reaches(&lab, &format!("0:0:0:0:0:0:0:1:{port}"));
}

#[test]
fn source_on_the_wildcard_address() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp_on(Ipv4Addr::UNSPECIFIED.into());
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let _client = Spiped::encrypt(&lab, server.source()).source(&source).start();
    let here = format!("127.0.0.1:{}", source.port());
    Conn::to(&Endpoint::Tcp(here.parse().unwrap())).expect_echo(b"from any address");
}

#[test]
fn unix_target_with_a_full_backlog_is_tried_again() {
    let lab = Lab::new();
    let target = lab.unix("target");
    let crowded = Crowded::at(&target);
    let server = Spiped::decrypt(&lab, &target).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.send(b"patience");
    assert!(conn.is_silent_for(Duration::from_millis(300)));
    let mut served = crowded.serve_last();
    assert_eq!(served.receive(8), b"patience");
}

fn target_written_as(write: impl Fn(u16) -> String) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    reaches(&lab, &write(backend.endpoint().port()));
}

fn reaches(lab: &Lab, target: &dyn Display) {
    let server = Spiped::decrypt(lab, target).start();
    let client = Spiped::encrypt(lab, server.source()).start();
    client.connect().expect_echo(b"there and back");
}

fn crosses(lab: &Lab, source: &Endpoint, middle: &Endpoint, target: &Endpoint) {
    let _backend = Backend::echo_at(target);
    let _server = Spiped::decrypt(lab, target).source(middle).start();
    let client = Spiped::encrypt(lab, middle).source(source).start();
    let mut conn = client.connect();
    conn.expect_echo(b"there and back");
    conn.half_close();
    assert_eq!(conn.receive_all(), b"");
}
