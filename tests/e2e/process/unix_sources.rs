//! What may be in the way of a Unix source socket.

use std::fs;
use std::os::unix::net::UnixListener;

use spiped_tests::{Backend, Conn, Endpoint, Lab, Spiped};

#[test]
fn stale_socket_is_replaced() {
    let lab = Lab::new();
    let source = lab.unix("source");
    drop(UnixListener::bind(lab.path("source")).unwrap());
    expect_service(&lab, &source);
}

#[test]
fn socket_of_a_killed_daemon_is_replaced() {
    let lab = Lab::new();
    let source = lab.unix("source");
    for _ in 0..3 {
        expect_service(&lab, &source);
    }
}

#[test]
fn socket_that_answers_is_left_alone() {
    let lab = Lab::new();
    let occupied = Backend::echo_at(&lab.unix("source"));
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(occupied.endpoint());
    spiped.run().expect_failure("Address already in use");
    Conn::to(occupied.endpoint()).expect_echo(b"still there");
}

#[test]
fn file_that_is_no_socket_is_left_alone() {
    let lab = Lab::new();
    let path = lab.write("source", "precious");
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&lab.unix("source"));
    spiped.run().expect_failure("Address already in use");
    assert_eq!(fs::read(path).unwrap(), b"precious");
}

#[test]
fn symbolic_link_is_left_alone() {
    let lab = Lab::new();
    drop(UnixListener::bind(lab.path("elsewhere")).unwrap());
    std::os::unix::fs::symlink("elsewhere", lab.path("source")).unwrap();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&lab.unix("source"));
    spiped.run().expect_failure("Address already in use");
    assert!(lab.path("elsewhere").exists());
    assert!(lab.path("source").is_symlink());
}

/// Starts a daemon there, uses it, and kills it.
#[track_caller]
fn expect_service(lab: &Lab, source: &Endpoint) {
    let backend = Backend::manual(lab);
    let spiped = Spiped::encrypt(lab, backend.endpoint()).source(source);
    let daemon = spiped.start();
    let _conn = daemon.connect();
    backend.accept();
}
