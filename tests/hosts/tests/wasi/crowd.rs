//! Many at once in its one instance.

use std::time::Duration;

use spiped_tests::{Backend, Conn, Ending, Lab, Origin, Spiped as Native, wait};

use super::Spiped;

/// So many that what is ready in one turn is more than wasmtime's runtime lets a
/// program find ready: they once stopped everything for ever.
#[test]
fn two_hundred_connections_that_end_at_once_leave_room_for_others() {
    const COUNT: usize = 200;
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::start(&lab, "-d", &backend.endpoint().to_string(), &["-n", "200"]);
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian);
    let client = client.args(&["-n", "300"]).start();
    for _ in 0..2 {
        let mut conns: Vec<_> = (0..COUNT).map(|_| client.connect()).collect();
        for conn in &mut conns {
            conn.send(b"all of them");
        }
        for conn in &mut conns {
            assert_eq!(conn.receive(11), b"all of them");
        }
        for conn in &conns {
            conn.half_close();
        }
        for conn in &mut conns {
            assert_eq!(conn.receive_all(), b"");
        }
    }
}

#[test]
fn more_than_the_limit_wait() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Native::decrypt(&lab, backend.endpoint()).of(Origin::Debian).start();
    let client = Spiped::start(&lab, "-e", &server.source().to_string(), &["-n", "2"]);
    let first = client.connect();
    let _second = client.connect();
    let (first_target, _second_target) = (backend.accept(), backend.accept());
    let mut third = client.connect();
    third.send(b"third");
    client.process.wait_for_stderr("Maximum number of connections (2) reached");
    assert!(backend.try_accept().is_none());
    drop((first, first_target));
    assert_eq!(backend.accept().receive(5), b"third");
}

/// The silent ones go after a second, long before their time limit.
#[test]
fn silent_strangers_keep_no_one_out() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let args = ["--handshakes", "2"];
    let server = Spiped::start(&lab, "-d", &backend.endpoint().to_string(), &args);
    let mut strangers: Vec<Conn> = (0..4).map(|_| server.connect()).collect();
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    client.connect().expect_echo(b"echo");
    let (nonce, ending) = strangers[0].receive_to_end();
    assert_eq!((nonce.len(), ending), (32, Ending::Closed));
    server.process.wait_for_stderr("made room for others");
}

#[test]
fn stranger_is_closed_when_its_time_is_over() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let target = backend.endpoint().to_string();
    let mut command = super::program(&lab, &["-d", "-o", "0.3", "-s"]);
    command.args([&source.to_string(), "-t", &target, "-k"]).arg(lab.key());
    let server = Spiped::run(command, source);
    let mut stranger = server.connect();
    stranger.send([0; 100]);
    assert_eq!(stranger.receive_to_end().0.len(), 32);
    server.process.wait_for_stderr("the handshake took too long: closed in the handshake");
}

/// Neither direction waits for the other, nor one connection for another.
#[test]
fn stuck_connection_does_not_stop_others() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::start(&lab, "-d", &backend.endpoint().to_string(), &[]);
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    let mut stuck = client.connect();
    stuck.send_until_stuck(vec![0; 64 << 20]);
    let mut stuck_target = backend.accept();
    let mut other = client.connect();
    other.send(b"other");
    assert_eq!(backend.accept().receive(5), b"other");
    stuck_target.send(b"reply");
    assert_eq!(stuck.receive(5), b"reply");
    // It ends with what it could not write. Nobody waits for that either.
    drop(stuck);
    wait::observe(Duration::from_millis(200));
    other.send(b"again");
    let mut third = client.connect();
    third.send(b"third");
    assert_eq!(backend.accept().receive(5), b"third");
}
