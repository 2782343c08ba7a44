//! What may be in the way of a Unix source socket.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use spiped_tests::{Backend, Conn, Endpoint, Lab, Process, Spiped, procfs, wait};

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

/// A daemon that finds the file of another that does not answer yet must not
/// remove it.
#[test]
fn two_daemons_on_one_stale_socket_do_not_both_run() {
    rivals(10);
}

#[test]
#[ignore = "soak"]
fn two_daemons_on_one_stale_socket_never_both_run() {
    rivals(400);
}

fn rivals(rounds: usize) {
    let lab = Lab::new();
    let source = lab.unix("source");
    drop(UnixListener::bind(lab.path("source")).unwrap());
    for _ in 0..rounds {
        let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&source);
        let mut rivals = [spiped.spawn(), spiped.spawn()];
        wait::until("one of them had ended", || rivals.iter_mut().any(|it| !it.is_running()));
        let loser = rivals.iter_mut().find_map(|it| (!it.is_running()).then(|| it.wait()));
        loser.unwrap().expect_failure("Address already in use");
        assert!(rivals.iter_mut().any(Process::is_running));
        // Killed: its file stays for the next. A helper process that was just being
        // made may have the socket for a moment longer.
        drop(rivals);
        wait::until("nobody listened", || !procfs::is_listening(&source));
    }
}

#[test]
fn mode_and_owner_are_as_asked_for() {
    let lab = Lab::new();
    let source = lab.unix("source");
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&source);
    let owner = ["--socket-mode", "0660", "--socket-owner", "12345:54321"];
    let _daemon = spiped.args(&owner).start();
    let file = fs::metadata(lab.path("source")).unwrap();
    assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), (0o660, 12345, 54321));
}

#[test]
fn mode_of_a_source_that_is_no_file_is_an_error() {
    let lab = Lab::new();
    let exit = Spiped::encrypt(&lab, &lab.tcp()).args(&["--socket-mode", "0660"]).run();
    exit.expect_failure("--socket-mode is only for a source that is the path of a Unix socket");
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
