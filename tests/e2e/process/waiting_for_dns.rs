//! `-D`: names that do not resolve yet. See `hosts` for names that do later.

use std::time::Duration;

use nix::libc::SIGTERM;
use nix::sys::signal::Signal;
use spiped_tests::{Backend, Background, Configured, Conn, Lab, Spiped, pipe, wait};

#[test]
fn syntax_error_fails_the_start_at_once() {
    let lab = Lab::new();
    for args in [&["-D"][..], &["-D", "-F"]] {
        let spiped = Spiped::encrypt(&lab, &"[127.0.0.1]:zz").args(args);
        spiped.run().expect_failure("zz");
    }
}

#[test]
fn unresolvable_target_is_retried_until_sigterm_kills() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &UNRESOLVABLE).args(&["-D"]);
    let mut process = spiped.spawn();
    process.wait_for_stderr("nonexistent.invalid");
    wait::observe(Duration::from_secs(2));
    assert!(process.is_running());
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait().signal(), Some(SIGTERM));
}

#[test]
fn unresolvable_target_does_not_keep_the_command_waiting() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &UNRESOLVABLE).args(&["-D", "-p", "pid"]);
    spiped.run().expect_success();
    Background::from_pid_file(&lab.path("pid")).terminate();
}

#[test]
fn pipe_that_waits_holds_up_no_other_of_its_file() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, waits) = (lab.tcp(), lab.tcp(), lab.tcp());
    let daemon = Configured::new(&lab);
    let pipes = [
        pipe("in", "encrypt", &plain, &crypt, ""),
        pipe("out", "decrypt", &crypt, backend.endpoint(), ""),
        pipe("waits", "encrypt", &waits, &UNRESOLVABLE, "wait-for-dns = true"),
    ];
    daemon.write("", &pipes);
    let process = daemon.start(&[&plain, &crypt]);
    Conn::to(&plain).expect_echo(b"does not wait");
    process.wait_for_stderr("waits: Error looking up nonexistent.invalid");
    let mut held = Conn::to(&waits);
    held.send(b"held");
    assert!(held.is_silent_for(Duration::from_millis(200)));
    let found = pipe("waits", "encrypt", &waits, &crypt, "");
    daemon.write("", &[pipes[0].clone(), pipes[1].clone(), found]);
    daemon.reload();
    assert_eq!(held.receive(4), b"held");
}

#[test]
fn unresolvable_target_fails_the_start_without_it() {
    let lab = Lab::new();
    let exit = Spiped::encrypt(&lab, &UNRESOLVABLE).run();
    exit.expect_failure("Error looking up nonexistent.invalid");
}

const UNRESOLVABLE: &str = "nonexistent.invalid:1";
