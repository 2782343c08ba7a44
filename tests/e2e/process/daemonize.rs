//! Leaving the foreground.

use std::fs;

use nix::unistd::{Pid, getsid};
use spiped_tests::{Backend, Background, Conn, Endpoint, Lab, Spiped, procfs, wait};

#[test]
fn success_means_listening() {
    let lab = Lab::new();
    let source = lab.tcp();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&source);
    spiped.run().expect_success();
    assert!(procfs::is_listening(&source));
    Background::from_pid_file(&lab.path(&format!("{source}.pid")));
}

#[test]
fn daemon_serves_and_ends_on_sigterm() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (server, to_server) = background(&lab, &Spiped::decrypt(&lab, backend.endpoint()), "d");
    let (client, to_client) = background(&lab, &Spiped::encrypt(&lab, &to_server), "e");
    let mut conn = Conn::to(&to_client);
    conn.expect_echo(b"in the background");
    drop(conn);
    client.terminate();
    server.terminate();
    assert!(Conn::connect(&to_client).is_err());
}

#[test]
fn daemon_leads_its_own_session() {
    let lab = Lab::new();
    let (daemon, _) = background(&lab, &Spiped::encrypt(&lab, &lab.tcp()), "pid");
    let pid = Pid::from_raw(daemon.pid());
    assert_eq!(getsid(Some(pid)), Ok(pid));
}

#[test]
fn pid_file_is_named_after_the_source_as_written() {
    let lab = Lab::new();
    let source = lab.tcp();
    let written = format!("localhost:{}", source.port());
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source_written(&source, &written);
    spiped.run().expect_success();
    Background::from_pid_file(&lab.path(&format!("{written}.pid")));
}

#[test]
fn pid_file_of_a_unix_source_lies_beside_the_socket() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&lab.unix("socket"));
    spiped.run().expect_success();
    Background::from_pid_file(&lab.path("socket.pid"));
}

#[test]
fn longer_old_pid_file_is_replaced() {
    let lab = Lab::new();
    lab.write("pid", "12345678901234567890\n");
    background(&lab, &Spiped::encrypt(&lab, &lab.tcp()), "pid");
}

#[test]
fn foreground_writes_no_pid_file() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["-p", "pid"]);
    let daemon = spiped.start();
    assert!(!lab.path("pid").exists());
    assert!(!lab.path(&format!("{}.pid", daemon.source())).exists());
}

#[test]
fn unwritable_pid_file_fails_the_start() {
    let lab = Lab::new();
    let source = lab.tcp();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&source);
    let exit = spiped.args(&["-p", "no/such/directory/pid"]).run();
    exit.expect_failure("no/such/directory/pid");
    wait::until("nothing listened", || !procfs::is_listening(&source));
}

#[test]
fn occupied_source_fails_the_start() {
    let lab = Lab::new();
    let occupied = Backend::echo(&lab);
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(occupied.endpoint());
    spiped.run().expect_failure("Address already in use");
    assert_eq!(fs::read_dir(lab.directory()).unwrap().count(), 2, "the keys");
}

#[test]
fn syslog_is_accepted_in_the_background() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["--syslog"]);
    background(&lab, &spiped, "pid");
}

#[test]
fn syslog_is_accepted_in_the_foreground() {
    let lab = Lab::new();
    Spiped::encrypt(&lab, &lab.tcp()).args(&["--syslog"]).start();
}

/// Starts a daemon that must be listening when the command has ended.
#[track_caller]
fn background(lab: &Lab, spiped: &Spiped, pid_file: &str) -> (Background, Endpoint) {
    let source = lab.tcp();
    let spiped = spiped.clone().source(&source).args(&["-p", pid_file]);
    spiped.run().expect_success();
    let daemon = Background::from_pid_file(&lab.path(pid_file));
    assert!(procfs::is_listening(&source));
    (daemon, source)
}
