//! As process 1 of a container, for which the kernel ignores the signals that
//! nobody catches.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use spiped_tests::{Backend, Exit, Lab, Process, Spiped, procfs, wait};

#[test]
fn every_signal_ends_it_while_it_waits_for_dns() {
    for (signal, code) in AT_ONCE {
        let lab = Lab::new();
        let spiped = Spiped::encrypt(&lab, &"nonexistent.invalid:1").args(&["-D"]);
        let exit = ended_by(&[signal], &mut spiped.under(CONTAINER).spawn());
        assert_eq!(exit.code(), Some(code), "{signal}: {exit:?}");
    }
}

#[test]
fn every_signal_ends_it_while_it_waits_for_a_key() {
    for (signal, code) in AT_ONCE {
        let lab = Lab::new();
        mkfifo(&lab.path("pipe"), Mode::S_IRWXU).unwrap();
        let spiped = Spiped::encrypt(&lab, &lab.tcp()).key(lab.path("pipe"));
        let exit = ended_by(&[signal], &mut spiped.under(CONTAINER).spawn());
        assert_eq!(exit.code(), Some(code), "{signal}: {exit:?}");
    }
}

#[test]
fn signals_end_it_while_it_serves() {
    for (signal, code) in [(Signal::SIGINT, 0), (Signal::SIGQUIT, 131), (Signal::SIGTERM, 0)] {
        let lab = Lab::new();
        let spiped = Spiped::encrypt(&lab, &lab.tcp()).under(CONTAINER);
        let mut process = spiped.spawn();
        wait::until("it listened", || procfs::is_listening(spiped.endpoint()));
        let exit = ended_by(&[signal], &mut process);
        assert_eq!(exit.code(), Some(code), "{signal}: {exit:?}");
    }
}

#[test]
fn second_sigterm_ends_it() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).under(CONTAINER);
    let mut process = client.spawn();
    wait::until("it listened", || procfs::is_listening(client.endpoint()));
    let mut conn = spiped_tests::Conn::to(client.endpoint());
    conn.expect_echo(b"established");
    let init = init_of(&process);
    kill(init, Signal::SIGTERM).unwrap();
    wait::until("the source was closed", || !procfs::is_listening(client.endpoint()));
    conn.expect_echo(b"finishing");
    kill(init, Signal::SIGTERM).unwrap();
    let exit = process.wait();
    assert_eq!(exit.code(), Some(143), "{exit:?}");
}

/// Sends the signals once it catches them.
#[track_caller]
fn ended_by(signals: &[Signal], process: &mut Process) -> Exit {
    process.wait_for_stderr("WARNING: Applying workaround");
    let init = init_of(process);
    for signal in signals {
        kill(init, *signal).unwrap();
    }
    process.wait()
}

/// The only child of `unshare`.
#[track_caller]
fn init_of(process: &Process) -> Pid {
    let pid = process.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap())
}

/// With what it exits.
const AT_ONCE: [(Signal, i32); 3] =
    [(Signal::SIGINT, 0), (Signal::SIGQUIT, 131), (Signal::SIGTERM, 143)];

/// It ends with its child's status, and its child with it.
const CONTAINER: [&str; 4] = ["unshare", "--pid", "--fork", "--kill-child"];
