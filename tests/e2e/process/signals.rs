//! SIGTERM drains, a second one kills; SIGHUP and SIGUSR1 do not end the program.

use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{SIGHUP, SIGINT, SIGTERM};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::Signal;
use nix::unistd::ttyname;
use spiped_tests::{Backend, Conn, Daemon, Ending, Lab, Pair, Spiped, procfs, wait};

#[test]
fn sigterm_ends_an_idle_daemon_with_success() {
    let lab = Lab::new();
    expect_success_on_sigterm(&mut Spiped::encrypt(&lab, &lab.tcp()).start());
}

#[test]
fn sigterm_ends_a_daemon_that_has_served_with_success() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    conn.expect_echo(b"done");
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
    expect_success_on_sigterm(pair.client());
    expect_success_on_sigterm(&mut pair.server);
}

#[test]
fn daemon_in_the_foreground_ends_with_its_terminal() {
    let lab = Lab::new();
    let (mut daemon, terminal) = at_terminal(&lab, &["setsid", "--ctty"]);
    drop(terminal);
    assert_eq!(daemon.process.wait().signal(), Some(SIGHUP));
}

#[test]
fn daemon_outlives_its_terminal_after_nohup() {
    let lab = Lab::new();
    let (mut daemon, terminal) = at_terminal(&lab, &["setsid", "--ctty", "nohup"]);
    drop(terminal);
    // The terminal takes a while to go; a reload comes after it.
    daemon.process.signal(Signal::SIGHUP);
    daemon.process.wait_for_stderr("Keys reloaded: ");
    expect_success_on_sigterm(&mut daemon);
}

/// A daemon at a terminal of its own, which goes when the second one is dropped.
fn at_terminal(lab: &Lab, wrapper: &[&str]) -> (Daemon, OwnedFd) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    // The daemon must not hold the end that keeps its terminal alive.
    fcntl(&master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    let spiped = Spiped::encrypt(lab, &lab.tcp()).stdin(ttyname(&slave).unwrap());
    (spiped.under(wrapper.iter().copied()).start(), master)
}

#[test]
fn sigterm_drains_encrypt_mode() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let conn = established(&pair);
    drains(pair.client(), conn);
}

#[test]
fn sigterm_drains_decrypt_mode() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let conn = established(&pair);
    drains(&mut pair.server, conn);
}

#[test]
fn second_sigterm_kills() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = established(&pair);
    let daemon = pair.client();
    stop_listening(daemon);
    daemon.process.signal(Signal::SIGTERM);
    assert_eq!(daemon.process.wait().signal(), Some(SIGTERM));
    conn.expect_nothing_but(Ending::Reset);
}

#[test]
fn sigint_kills_at_once() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = established(&pair);
    let daemon = pair.client();
    daemon.process.signal(Signal::SIGINT);
    assert_eq!(daemon.process.wait().signal(), Some(SIGINT));
    conn.expect_nothing_but(Ending::Reset);
}

/// Whichever end it is, and however it dies: protocol.md F-5.
#[test]
fn death_of_a_daemon_is_a_reset_to_both_applications() {
    let (kill, interrupt) = (Signal::SIGKILL, Signal::SIGINT);
    for (of_client, signal) in [(true, kill), (false, kill), (true, interrupt), (false, interrupt)]
    {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let mut pair = Pair::ours(&lab, backend.endpoint());
        let mut conn = pair.connect();
        let mut target = backend.accept();
        conn.send(b"half of it");
        assert_eq!(target.receive(10), b"half of it");
        let daemon = if of_client { pair.client() } else { &mut pair.server };
        daemon.process.signal(signal);
        assert_eq!(daemon.process.wait().signal(), Some(signal as i32));
        conn.expect_nothing_but(Ending::Reset);
        target.expect_nothing_but(Ending::Reset);
    }
}

#[test]
fn sighup_and_sigusr1_leave_connections_alone() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = established(&pair);
    for signal in [Signal::SIGHUP, Signal::SIGUSR1] {
        pair.server.process.signal(signal);
        pair.client().process.signal(signal);
        conn.expect_echo(b"still served");
    }
    pair.server.process.wait_for_stderr(": counters: ");
    pair.client().process.wait_for_stderr(": counters: ");
    conn.expect_echo(b"still served");
}

#[track_caller]
fn expect_success_on_sigterm(daemon: &mut Daemon) {
    daemon.process.signal(Signal::SIGTERM);
    daemon.process.wait().expect_success();
}

#[track_caller]
fn established(pair: &Pair) -> Conn {
    let mut conn = pair.connect();
    conn.expect_echo(b"established");
    conn
}

/// Nobody new gets in, the old connection goes on, and its end is the end.
#[track_caller]
fn drains(daemon: &mut Daemon, mut conn: Conn) {
    stop_listening(daemon);
    assert!(Conn::connect(daemon.source()).is_err());
    conn.expect_echo(b"still served");
    assert!(daemon.process.is_running());
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
    daemon.process.wait().expect_success();
}

#[track_caller]
fn stop_listening(daemon: &Daemon) {
    daemon.process.signal(Signal::SIGTERM);
    wait::until("the listener was closed", || !procfs::is_listening(daemon.source()));
}
