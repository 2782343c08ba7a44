use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use spiped_tests::{Backend, Lab, Process, Program, Spiped, Upgradable, procfs, wait};

use super::{at_each, awake};

#[test]
fn check_tells_what_would_happen_and_changes_nothing() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 18);
    let before = daemon.pid();
    for _ in 0..3 {
        let said = daemon.configured().run(&["upgrade", "--check"]).answer();
        assert!(said.contains("could take over; 18 connections would move"), "{said}");
        daemon.expect_unchanged(before);
        traffic.expect_progress();
    }
    daemon.install(&lab.path("missing"));
    let exit = daemon.configured().run(&["upgrade", "--check"]);
    exit.expect_failure("No such file or directory");
    daemon.expect_unchanged(before);
    traffic.finish().expect_all_delivered();
}

#[test]
fn signal_asks_as_the_command_does() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    let before = daemon.pid();
    kill(Pid::from_raw(before), Signal::SIGUSR2).unwrap();
    wait::until("another process had taken over", || {
        daemon.pid() != before && !procfs::is_alive(before)
    });
    traffic.finish().expect_all_delivered();
}

#[test]
fn requests_at_once_are_done_one_after_the_other() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    let first = daemon.pid();
    let mut asked: Vec<_> = (0..4).map(|_| daemon.ask()).collect();
    let codes: Vec<_> = asked.iter_mut().map(|asked| asked.wait().code()).collect();
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert_ne!(daemon.pid(), first);
    daemon.wait_until_only(daemon.pid());
    // Who is left takes requests of each kind.
    daemon.upgrade();
    daemon.configured().reload();
    daemon.upgrade();
    traffic.finish().expect_all_delivered();
}

/// As a service manager does that stops a service: all its processes are told at once.
#[test]
fn processes_that_are_told_to_end_meanwhile_end_with_their_connections() {
    at_each(&["Greeted", "Made", "Resumed", "Taken", "Committed", "Serving"], 9, |step, run| {
        let asked = run.up_to(step);
        for pid in run.daemon.processes() {
            if pid != asked.pid() {
                // It may end because another one has.
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
        run.expect_end_of_all(asked);
    });
}

/// Whoever means the daemon may still know the old process.
#[test]
fn old_process_that_is_told_to_end_at_the_last_moment_passes_that_on() {
    at_each(&["Wiped", "Committed", "Serving"], 9, |step, run| {
        let asked = run.up_to(step);
        kill(Pid::from_raw(run.first), Signal::SIGTERM).unwrap();
        run.expect_end_of_all(asked);
    });
}

#[test]
fn reload_that_is_asked_for_meanwhile_is_done_by_the_new_process() {
    at_each(&["Made", "Wiped", "Serving"], 9, |step, run| {
        let mut asked = run.up_to(step);
        kill(Pid::from_raw(run.first), Signal::SIGHUP).unwrap();
        run.daemon.steps.release();
        asked.wait().expect_success();
        wait::until("settings had been read again", || {
            run.daemon.log().contains("Settings reloaded")
        });
        run.traffic.finish().expect_all_delivered();
    });
}

#[test]
fn numbers_go_on() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 18);
    let see = |words: &[&str]| daemon.configured().run(words).answer();
    let listed = || -> Vec<Value> {
        let lines = see(&["list", "--json"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let key = |connection: &Value| {
        ["id", "pipe", "peer", "key"].map(|word| connection[word].clone().to_string()).join(" ")
    };
    let keys = || {
        let mut keys: Vec<_> = listed().iter().map(key).collect();
        keys.sort();
        keys
    };
    let before = keys();
    daemon.upgrade();
    assert_eq!(keys(), before);
    assert_eq!(before.len(), 18);
    traffic.finish().expect_all_delivered();
}

/// Nothing but the file that runs, and a key that nobody can give it again.
#[test]
fn command_line_with_its_key_on_standard_input_is_replaced_by_its_own_file() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let control = lab.path("control");
    let words = ["upgrade", "--control", control.to_str().unwrap()];
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("-").stdin(lab.key());
    let mut server = server.args(&words[1..]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"before");
    fs::remove_file(lab.key()).unwrap();
    Process::spawn(Program::Spiped.ours(&lab, &words)).wait().expect_success();
    conn.expect_echo(b"after");
    server.process.wait().expect_success();
    client.connect().expect_echo(b"a new one");
    Process::spawn(Program::Spiped.ours(&lab, &words)).wait().expect_success();
    conn.expect_echo(b"after two");
}
