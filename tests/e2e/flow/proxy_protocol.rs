//! The PROXY protocol: where a connection comes from, as load balancers in front say
//! it, and as the target is told.

use std::net::Ipv4Addr;
use std::time::Duration;

use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, Daemon, Ending, KEY, Lab, Spiped, wait};

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: [u8; 4] = [0x20, 0, 0, 0];
/// From 192.0.2.7, port 258, to 192.0.2.1, port 772.
const PASSED_ON: [u8; 16] = [0x21, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 1, 1, 2, 3, 4];
const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 258 772\r\n";
const CLIENT: &str = "[192.0.2.7]:258";

#[test]
fn announced_address_is_the_one_in_the_log() {
    let lab = Lab::new();
    let (backend, server) = behind_a_balancer(&lab, &[]);
    for header in [V1.to_vec(), [V2, &PASSED_ON].concat()] {
        let mut conn = server.connect();
        // In pieces, the last with what follows.
        let (first, last) = header.split_at(header.len() / 2);
        conn.send(first);
        wait::observe(Duration::from_millis(50));
        conn.send(last);
        let mut session = Handshake::begin(conn, Side::Client, KEY).complete();
        session.send(b"through");
        assert_eq!(session.receive(), b"through");
    }
    drop(backend);
    let words = format!("{CLIENT}: closed");
    wait::until("both were logged", || server.process.stderr().matches(&words).count() == 2);
}

#[test]
fn announced_address_is_the_one_that_is_allowed_or_not() {
    let lab = Lab::new();
    let (_backend, server) = behind_a_balancer(&lab, &["--allow", "192.0.2.8"]);
    let mut refused = server.connect();
    refused.send(V1);
    refused.expect_nothing_but(Ending::Closed);
    server.process.wait_for_stderr("192.0.2.7: closed: --allow does not name its network");
    let mut allowed = server.connect();
    allowed.send(String::from_utf8_lossy(V1).replace("192.0.2.7", "192.0.2.8"));
    assert_eq!(allowed.receive(32).len(), 32);
    // A load balancer that looks whether we are there was named itself.
    let mut check = server.connect();
    check.send([V2, &LOCAL].concat());
    assert_eq!(check.receive(32).len(), 32);
}

#[test]
fn each_announced_address_has_a_share_of_its_own() {
    let lab = Lab::new();
    let args = ["--handshakes", "4", "--handshakes-per-source", "2"];
    let (_backend, server) = behind_a_balancer(&lab, &args);
    let silent: Vec<_> = (0..20).map(|_| announced(&server, 7)).collect();
    // Those have used up the share of one address, not that of the load balancer.
    Handshake::begin(announced(&server, 8), Side::Client, KEY).complete();
    drop(silent);
}

#[test]
fn health_check_is_no_warning_and_is_answered_during_a_flood() {
    let lab = Lab::new();
    let (_backend, server) = behind_a_balancer(&lab, &["--handshakes", "2"]);
    let silent: Vec<_> = (0..20).map(|host| announced(&server, host)).collect();
    for _ in 0..20 {
        let mut check = server.connect();
        check.send([V2, &LOCAL].concat());
        assert_eq!(check.receive(32).len(), 32);
        check.reset();
        // Nor is one that says nothing at all.
        drop(server.connect());
    }
    drop(silent);
    let mut last = server.connect();
    last.send(b"GET / HTTP/1.1\r\n\r\n");
    last.expect_nothing_but(Ending::Closed);
    let reason =
        "refused: it sent no header of the PROXY protocol, version 1 or 2: --proxy-from requires";
    server.process.wait_for_stderr(reason);
    let log = server.process.stderr();
    let of_the_balancer: Vec<_> =
        log.lines().filter(|line| line.contains("[127.0.0.1]:")).collect();
    let warnings = of_the_balancer.iter().filter(|line| line.contains("refused")).count();
    assert_eq!(warnings, 1, "{log}");
}

#[test]
fn connection_without_a_header_has_the_time_of_a_stranger() {
    let lab = Lab::new();
    let (_backend, server) = behind_a_balancer(&lab, &[]);
    let mut silent = server.connect();
    silent.send(&V1[..20]);
    silent.expect_nothing_but(Ending::Closed);
    server.process.wait_for_stderr("no header of the PROXY protocol within 2 s (-o)");
}

#[test]
fn nobody_else_is_believed() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let args = ["--proxy-from", "192.0.2.9", "--log-level", "info"];
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("2").args(&args).start();
    let mut conn = server.connect();
    conn.send(V1);
    assert_eq!(conn.receive(32).len(), 32, "not read as a header");
    drop(conn);
    server.process.wait_for_stderr("[127.0.0.1]:");
    assert!(!server.process.stderr().contains("192.0.2.7"));
}

#[test]
fn application_behind_a_balancer_is_announced_to_the_plain_end() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let args = ["--proxy-from", "127.0.0.0/8", "--log-level", "info"];
    let client = Spiped::encrypt(&lab, server.source()).args(&args).start();
    let mut conn = client.connect();
    conn.send(V1);
    conn.expect_echo(b"after the header");
    drop(conn);
    client.process.wait_for_stderr(&format!("{CLIENT}: closed: 16 bytes sent"));
}

#[test]
fn target_is_told_who_connects_before_any_other_byte() {
    for version in ["v1", "v2"] {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["--proxy-to", version]);
        let server = server.start();
        let conn = Conn::to_from(server.source(), Ipv4Addr::new(127, 0, 0, 9).into());
        let (ours, theirs) = (conn.local_address(), conn.peer_address());
        let mut session = Handshake::begin(conn, Side::Client, KEY).complete();
        session.send(b"request");
        let expected = if version == "v1" {
            let (from, to) = (ours.port(), theirs.port());
            format!("PROXY TCP4 127.0.0.9 127.0.0.1 {from} {to}\r\n").into_bytes()
        } else {
            let ports = [ours.port().to_be_bytes(), theirs.port().to_be_bytes()].concat();
            [V2, &[0x21, 0x11, 0, 12, 127, 0, 0, 9, 127, 0, 0, 1], &ports].concat()
        };
        let mut target = backend.accept();
        assert_eq!(target.receive(expected.len()), expected);
        assert_eq!(target.receive(7), b"request");
        target.send(b"answer");
        assert_eq!(session.receive(), b"answer");
    }
}

/// What a load balancer has said is passed on.
#[test]
fn target_is_told_what_the_balancer_has_announced() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let args = ["--proxy-from", "127.0.0.1", "--proxy-to", "v1"];
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&args).start();
    let mut conn = server.connect();
    conn.send([V2, &PASSED_ON].concat());
    let _session = Handshake::begin(conn, Side::Client, KEY).complete();
    assert_eq!(backend.accept().receive(V1.len()), V1);
}

/// A `-d` that takes this host for its load balancer.
fn behind_a_balancer(lab: &Lab, args: &[&str]) -> (Backend, Daemon) {
    let backend = Backend::echo(lab);
    let all = ["--proxy-from", "127.0.0.1", "--log-level", "info"];
    let server = Spiped::decrypt(lab, backend.endpoint()).time_limit("2").args(&all).args(args);
    (backend, server.start())
}

/// A connection of 192.0.2.`host`, passed on.
fn announced(server: &Daemon, host: u8) -> Conn {
    let mut conn = server.connect();
    conn.send(format!("PROXY TCP4 192.0.2.{host} 192.0.2.1 258 772\r\n"));
    conn
}
