//! `-D`: names that do not resolve yet. See `hosts` for names that do later.

use std::time::Duration;

use nix::libc::SIGTERM;
use nix::sys::signal::Signal;
use spiped_tests::{Background, Lab, Spiped, wait};

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
fn unresolvable_target_fails_the_start_without_it() {
    let lab = Lab::new();
    let exit = Spiped::encrypt(&lab, &UNRESOLVABLE).run();
    exit.expect_failure("Error looking up nonexistent.invalid");
}

const UNRESOLVABLE: &str = "nonexistent.invalid:1";
