//! Pipes that come, go and change, and the connections that they have.

use nix::sys::signal::Signal;
use spiped_tests::{Backend, Configured, Conn, Ending, Endpoint, Lab, pipe, wait};

/// Both ends of a pipe in one file: what comes in at the first address is
/// encrypted to the second, and decrypted there.
fn both_ends(lab: &Lab, target: &Endpoint, more: &str) -> (Endpoint, Endpoint, Vec<String>) {
    let (plain, crypt) = (lab.tcp(), lab.tcp());
    let pipes = vec![
        pipe("in", "encrypt", &plain, &crypt, ""),
        pipe("out", "decrypt", &crypt, target, more),
    ];
    (plain, crypt, pipes)
}

#[test]
fn pipes_of_one_file_serve() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let _process = daemon.start(&[&plain, &crypt]);
    Conn::to(&plain).expect_echo(b"through both");
}

#[test]
fn pipe_is_added_and_another_removed_and_its_connections_go_on() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let process = daemon.start(&[&plain, &crypt]);
    let mut conn = Conn::to(&plain);
    conn.expect_echo(b"before");

    let other = lab.tcp();
    let added = pipe("new", "encrypt", &other, &crypt, "");
    daemon.write("", &[added, pipes[1].clone()]);
    let said = daemon.reload();
    assert!(said.contains("pipe new: new") && said.contains("pipe in: removed"), "{said}");
    process.wait_for_stderr("pipe in: removed");
    Conn::to(&other).expect_echo(b"through the new one");
    assert!(Conn::connect(&plain).is_err(), "nobody listens there any more");
    conn.expect_echo(b"after");
    let status = daemon.run(&["status", "--json"]).stdout;
    assert!(String::from_utf8(status).unwrap().contains("\"in\""), "it has a connection still");
    drop(conn);
    wait::until("the pipe was forgotten with its last connection", || {
        let status = daemon.run(&["status", "--json"]).stdout;
        !String::from_utf8(status).unwrap().contains("\"in\"")
    });
}

#[test]
fn connection_keeps_the_target_it_began_with() {
    let lab = Lab::new();
    let (first, second) = (Backend::manual(&lab), Backend::manual(&lab));
    let (plain, crypt, mut pipes) = both_ends(&lab, first.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let _process = daemon.start(&[&plain, &crypt]);
    let mut before = Conn::to(&plain);
    before.send(b"first");
    let mut at_first = first.accept();
    assert_eq!(at_first.receive(5), b"first");
    pipes[1] = pipe("out", "decrypt", &crypt, second.endpoint(), "");
    daemon.write("", &pipes);
    let said = daemon.reload();
    assert!(said.contains("pipe out: target "), "{said}");
    let mut after = Conn::to(&plain);
    after.send(b"second");
    assert_eq!(second.accept().receive(6), b"second");
    at_first.send(b"still here");
    assert_eq!(before.receive(10), b"still here");
}

#[test]
fn dry_run_says_what_would_change_and_changes_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let _process = daemon.start(&[&plain, &crypt]);
    let unix = lab.unix("made-in-vain");
    daemon.write("", &[pipe("other", "encrypt", &unix, &crypt, "")]);
    let exit = daemon.run(&["reload", "--dry-run"]);
    exit.expect_success();
    let said = String::from_utf8(exit.stdout).unwrap();
    assert!(said.contains("pipe other: new"), "{said}");
    assert!(!lab.path("made-in-vain").exists());
    Conn::to(&plain).expect_echo(b"as before");
}

#[test]
fn signal_reloads_and_reload_without_a_difference_says_so() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let process = daemon.start(&[&plain, &crypt]);
    process.signal(Signal::SIGHUP);
    process.wait_for_stderr("Settings reloaded: nothing has changed");
    Conn::to(&plain).expect_echo(b"as before");
}

#[test]
fn log_level_changes_at_once_and_what_does_not_is_said() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes);
    let process = daemon.start(&[&plain, &crypt]);
    daemon.write("log-level = \"debug\"\nmemory = \"1GiB\"\n", &pipes);
    let said = daemon.reload();
    assert!(said.contains("memory ") && said.contains("after a restart"), "{said}");
    Conn::to(&plain).expect_echo(b"seen in detail");
    process.wait_for_stderr("accepted");
}

#[test]
fn mode_of_a_pipe_changes() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (here, there) = (lab.tcp(), lab.tcp());
    let ends = |one, other| {
        [pipe("a", one, &here, &there, ""), pipe("b", other, &there, backend.endpoint(), "")]
    };
    let daemon = Configured::new(&lab);
    daemon.write("", &ends("encrypt", "decrypt"));
    let _process = daemon.start(&[&here, &there]);
    Conn::to(&here).expect_echo(b"one way");
    let reversed = [
        pipe("b", "encrypt", &there, &here, ""),
        pipe("a", "decrypt", &here, backend.endpoint(), ""),
    ];
    daemon.write("", &reversed);
    daemon.reload();
    Conn::to(&there).expect_echo(b"the other way");
    daemon.write("", &ends("encrypt", "decrypt"));
    daemon.reload();
    Conn::to(&here).expect_echo(b"and back");
}

#[test]
fn drain_resets_what_has_not_ended_in_time() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, pipes) = both_ends(&lab, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("drain = \"300ms\"", &pipes);
    let mut process = daemon.start(&[&plain, &crypt]);
    let mut conn = Conn::to(&plain);
    conn.expect_echo(b"established");
    process.signal(Signal::SIGTERM);
    conn.expect_nothing_but(Ending::Reset);
    let exit = process.wait();
    exit.expect_success();
    assert!(
        exit.stderr.contains("have not ended within 300ms (--drain) and are reset"),
        "{}",
        exit.stderr
    );
}
