//! What somebody has to hear who set something up wrongly.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;
use spiped_tests::payload::bytes;
use spiped_tests::{
    AgainstClient, AgainstServer, Backend, Conn, Daemon, Ending, Lab, Spipe, Spiped, wait,
};

use super::{end, probe, send_garbage};
#[test]
fn server_names_what_was_spoken_to_it() {
    let hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &bytes(3, 506)[..]].concat();
    let cases: [(&[u8], &str); 5] = [
        (&hello, "(it spoke TLS to this -d port: should this end be -e?"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "(it spoke HTTP to this -d port"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "(it spoke SSH to this -d port"),
        (b"*1\r\n$4\r\nPING\r\n", "(it spoke Redis to this -d port"),
        (b"hello, is anybody there?\n", "(it spoke plain text to this -d port: should this end"),
    ];
    let server = AgainstServer::start(&[]);
    for (said, words) in cases {
        let mut conn = server.daemon.connect();
        conn.try_send(said);
        conn.half_close();
        end(conn);
        server.daemon.process.wait_for_stderr(words);
    }
}

#[test]
fn server_names_the_stage_at_which_a_handshake_was_left() {
    let cases = [
        (10, "closed in the handshake (it had sent a part of its nonce), after"),
        (32, "closed in the handshake (it had sent its nonce, but no key share), after"),
        (200, "closed in the handshake (it had sent its nonce, and a part of its key share), aft"),
    ];
    let server = AgainstServer::start(&[]);
    for (len, words) in cases {
        let mut conn = server.daemon.connect();
        conn.send(bytes(9, len));
        conn.half_close();
        end(conn);
        server.daemon.process.wait_for_stderr(words);
    }
}

#[test]
fn probe_is_not_worth_a_warning() {
    let quiet = AgainstServer::start(&[]);
    let loud = AgainstServer::start(&["--log-level", "debug"]);
    for server in [&quiet, &loud] {
        probe(&server.daemon);
        server.daemon.connect().reset();
        send_garbage(&server.daemon);
        server.daemon.process.wait_for_stderr("wrong key");
    }
    loud.daemon.process.wait_for_stderr("(it had sent nothing)");
    assert!(!quiet.daemon.process.stderr().contains("sent nothing"));
}

#[test]
fn client_names_what_its_target_speaks() {
    for (said, words) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"[..], "(the target speaks SSH, not spiped: should"),
        (b"-ERR unknown command\r\n", "(the target speaks Redis, not spiped: should this end be"),
        (b"Who is there?\r\n", "(the target speaks plain text, not spiped: should this end be"),
    ] {
        let lab = Lab::new();
        let service = Backend::manual(&lab);
        let client = Spiped::encrypt(&lab, service.endpoint()).start();
        let application = client.connect();
        let mut conn = service.accept();
        conn.receive(32);
        conn.send(said);
        conn.half_close();
        end(application);
        client.process.wait_for_stderr(words);
    }
}

#[test]
fn client_tells_silence_from_a_refusal_of_its_key() {
    let client = AgainstClient::start(&[]);
    let (application, handshake) = client.handshake(b"another");
    handshake.conn.half_close();
    end(application);
    client.daemon.process.wait_for_stderr("(wrong key? see the log of the spiped -d there)");

    let lab = Lab::new();
    let both_encrypt = Spiped::encrypt(&lab, &lab.tcp()).start();
    let client = Spiped::encrypt(&lab, both_encrypt.source()).start();
    end(client.connect());
    client.process.wait_for_stderr(
        "and not another -e? does its --allow leave this host out, or is it full?)",
    );
}

#[test]
fn client_of_a_full_server_wonders_whether_it_is_full() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "1"]).start();
    let client = Spiped::encrypt(&lab, server.source()).time_limit("1").start();
    let mut first = client.connect();
    first.expect_echo(b"first");
    end(client.connect());
    server.process.wait_for_stderr("Maximum number of connections (1) reached");
    client.process.wait_for_stderr("or is it full?)");
}

#[test]
fn target_that_is_down_is_said_at_both_ends() {
    let lab = Lab::new();
    let server = Spiped::decrypt(&lab, &lab.tcp()).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    assert_eq!(end(client.connect()), Ending::Reset);
    server.process.wait_for_stderr(": Could not connect: [127.0.0.1]:");
    let words =
        "the other end has the key but reset before it sent a byte: is its service running?";
    client.process.wait_for_stderr(words);
    let spipe = Spipe::to(&lab, server.source()).start();
    let mut process = spipe.process;
    process.wait().expect_failure(words);
}

#[test]
fn plain_side_beyond_loopback_is_said_at_the_start() {
    let lab = Lab::new();
    let source = lab.tcp_on(Ipv4Addr::UNSPECIFIED.into());
    let client = Spiped::encrypt(&lab, &lab.tcp()).source(&source).spawn();
    client.wait_for_stderr("The plain side listens on [0.0.0.0]:");
    let server = Spiped::decrypt(&lab, &"[192.0.2.1]:80").spawn();
    server.wait_for_stderr("The plain side connects to [192.0.2.1]:80, which is another host");
}

#[test]
fn peer_without_forward_secrecy_is_said_once_for_each_key() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=key").start();
    let careless = Spiped::encrypt(&lab, server.source()).args(&["-f"]).start();
    for _ in 0..3 {
        careless.connect().expect_echo(b"served");
    }
    let line = ": key alice: a peer omits forward secrecy (-f there): ";
    server.process.wait_for_stderr(line);
    assert_eq!(server.process.stderr().matches("omits forward secrecy").count(), 1);
    assert_eq!(careless.process.stderr(), "", "its user wants it so");

    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-f"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"served");
    client.process.wait_for_stderr(": a peer omits forward secrecy (-f there): ");
    assert_eq!(server.process.stderr(), "");
}

#[test]
fn removed_key_that_is_tried_is_named() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    std::fs::create_dir(lab.path("keys")).unwrap();
    lab.write_key("keys/alice", spiped_tests::KEY);
    lab.write_key("keys/bob", "bob's key");
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("keys");
    let server = server.args(&["--log-level", "info"]).start();
    let alice = Spiped::encrypt(&lab, server.source()).start();
    let mut conn: Conn = alice.connect();
    conn.expect_echo(b"served");
    conn.half_close();
    end(conn);
    server.process.wait_for_stderr(": key alice: closed: ");
    std::fs::remove_file(lab.path("keys/alice")).unwrap();
    reload(&server);
    end(alice.connect());
    let words = "refused: wrong key, or not a spiped peer \
                 (key alice, used from there before, has been removed), after";
    server.process.wait_for_stderr(words);
}

#[track_caller]
fn reload(daemon: &Daemon) {
    daemon.process.signal(Signal::SIGHUP);
    wait::until("the keys were read again", || daemon.process.stderr().contains("Keys reloaded: "));
}
