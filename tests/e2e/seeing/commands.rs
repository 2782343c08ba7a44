//! `spiped status`, `list`, `drop`, `reload` and `log-level`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use nix::sys::signal::Signal;
use spiped_tests::{Backend, Conn, Ending, Lab, Process, Program, Spiped, key_called, wait};

use super::{CONTROL, Seen, run};

#[test]
fn status_shows_the_pipe_its_target_and_its_keys() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = keys(&lab, &["alice", "bob"]);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key(keys).args(&["-n", "7"]);
    let seen = Seen::start(&lab, server);
    let client = Spiped::encrypt(&lab, seen.daemon.source()).key(copy(&lab, "alice")).start();
    let text = seen.see(&["status"]);
    assert!(text.contains("0/7") && text.contains("not tried yet"), "{text}");
    let mut conn = client.connect();
    conn.expect_echo([7; 5000]);
    seen.wait_for(1, "established");
    let text = seen.see(&["status"]);
    assert!(text.contains("1/7"), "{text}");
    assert!(text.contains("4.8K     0  4.8K     0\n"), "{text}");
    assert!(text.contains(&format!("target {}: reachable (", backend.endpoint())), "{text}");
    assert!(text.contains("keys (open): alice (1), bob (0)\n"), "{text}");
    assert!(text.contains("1 pipe, 1 connection, "), "{text}");
    assert!(text.contains(&format!("process {}, up ", seen.daemon.process.pid())), "{text}");
}

#[test]
fn status_says_who_was_refused_and_why_and_that_a_target_is_down() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    client.connect().expect_nothing_but(Ending::Reset);
    let stranger = Spiped::encrypt(&lab, seen.daemon.source()).key(lab.other_key()).start();
    stranger.connect().expect_nothing_but(Ending::Reset);
    wait::until("both had been refused", || {
        let refused = &seen.pipe()["refused"];
        refused["target"] == 1 && refused["wrong-key"] == 1
    });
    let text = seen.see(&["status"]);
    assert!(text.contains("    refused: target 1, wrong-key 1\n"), "{text}");
    assert!(text.contains(": DOWN (") && text.contains("): Connection refused\n"), "{text}");
}

#[test]
fn list_shows_connections_from_their_beginning_to_their_end() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["--log-level", "info"]);
    let seen = Seen::start(&lab, server);
    assert_eq!(seen.see(&["list"]).lines().count(), 1);
    let stranger = seen.daemon.connect();
    let listed = seen.wait_for(1, "stranger");
    assert_eq!(listed[0]["peer"], shown(&stranger));
    drop(stranger);
    seen.wait_for(0, "stranger");

    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"eight by");
    let listed = seen.wait_for(1, "established");
    assert_eq!((&listed[0]["sent"], &listed[0]["received"]), (&8.into(), &8.into()));
    assert!(listed[0]["key"].is_null(), "{listed:?}");
    let text = seen.see(&["list"]);
    assert!(text.contains(&format!("{:>7} ", listed[0]["connection"])), "{text}");
    assert!(text.contains(" established ") && text.ends_with(" 8     8\n"), "{text}");
    conn.half_close();
    assert_eq!(conn.receive_all(), b"");
    seen.wait_for(0, "established");
    assert_eq!(seen.pipe()["ended"]["closed"], 1);
}

#[test]
fn connection_is_dropped_by_its_number_and_the_log_says_so() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["--log-level", "info"]);
    let seen = Seen::start(&lab, server);
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let (mut first, mut second) = (client.connect(), client.connect());
    first.expect_echo(b"1");
    second.expect_echo(b"22");
    let listed = seen.wait_for(2, "established");
    let wanted = listed.iter().find(|connection| connection["sent"] == 2).unwrap();
    let number = wanted["connection"].to_string();
    assert_eq!(seen.see(&["drop", &number]), "1 connection dropped\n");
    second.expect_nothing_but(Ending::Reset);
    first.expect_echo(b"still there");
    let line = "reset: dropped (spiped drop); 2 bytes sent, 2 bytes received";
    seen.daemon.process.wait_for_stderr(line);
    assert_eq!(seen.pipe()["ended"]["dropped"], 1);
    let words = format!("No connection has the ID {number}, and none uses a key of that name");
    seen.run(&["drop", &number]).expect_failure(&words);
}

#[test]
fn all_connections_of_a_key_are_dropped_asleep_or_not() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key(keys(&lab, &["alice", "bob"]));
    let seen = Seen::start(&lab, server);
    let client = |name| Spiped::encrypt(&lab, seen.daemon.source()).key(copy(&lab, name)).start();
    let (alice, bob) = (client("alice"), client("bob"));
    let mut dropped: Vec<_> = (0..3).map(|_| alice.connect()).collect();
    let mut kept = bob.connect();
    for conn in &mut dropped {
        conn.expect_echo(b"alice");
    }
    kept.expect_echo(b"bob");
    wait::until("all had been idle for so long that they sleep", || {
        seen.list().iter().all(|connection| connection["idle-seconds"].as_f64().unwrap() > 2.2)
    });
    assert_eq!(seen.see(&["drop", "alice"]), "3 connections dropped\n");
    for mut conn in dropped {
        conn.expect_nothing_but(Ending::Reset);
    }
    kept.expect_echo(b"bob again");
}

#[test]
fn stranger_is_dropped_as_well() {
    let lab = Lab::new();
    let seen = Seen::server(&lab, &lab.tcp());
    let mut stranger = seen.daemon.connect();
    let number = seen.wait_for(1, "stranger")[0]["connection"].to_string();
    assert_eq!(seen.pipe()["strangers"], 1);
    seen.see(&["drop", &number]);
    // protocol.md F-2: nothing was promised to it.
    assert_eq!(stranger.receive_all().len(), 32);
    wait::until("nobody was there", || seen.pipe()["strangers"] == 0);
}

#[test]
fn removed_key_is_shown_until_its_last_connection_ends() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = keys(&lab, &["alice", "bob"]);
    let seen = Seen::start(&lab, Spiped::decrypt(&lab, backend.endpoint()).key(&keys));
    let client = Spiped::encrypt(&lab, seen.daemon.source()).key(copy(&lab, "alice")).start();
    let mut conn = client.connect();
    conn.expect_echo(b"alice");
    fs::remove_file(keys.join("alice")).unwrap();
    let said = seen.see(&["reload"]);
    assert!(said.contains("removed: alice"), "{said}");
    conn.expect_echo(b"still");
    let key = || {
        seen.pipe()["keys"].as_array().unwrap().iter().find(|key| key["name"] == "alice").cloned()
    };
    let shown = key().unwrap();
    assert_eq!((&shown["in-use"], &shown["open"]), (&false.into(), &1.into()));
    assert_eq!(shown["sent"], 10);
    assert!(seen.see(&["status"]).contains("alice (1, removed)"));
    drop(conn);
    wait::until("the key was gone", || key().is_none());
}

#[test]
fn reload_waits_for_the_verdict_and_its_exit_code_is_it() {
    let lab = Lab::new();
    let keys = keys(&lab, &["alice"]);
    let seen = Seen::start(&lab, Spiped::decrypt(&lab, &lab.tcp()).key(&keys));
    lab.write_key("keys/bob", key_called("bob"));
    let said = seen.see(&["reload", "--dry-run"]);
    assert!(said.contains("added: bob"), "{said}");
    assert_eq!(seen.pipe()["keys"].as_array().unwrap().len(), 1);
    assert!(seen.see(&["reload"]).contains("added: bob"));
    assert_eq!(seen.pipe()["keys"].as_array().unwrap().len(), 2);
    assert!(seen.see(&["status"]).contains("reloaded 0 s ago: "));
    // Not a key at all.
    lab.write_key("keys/carol", "");
    seen.run(&["reload"]).expect_failure("carol");
    assert!(seen.see(&["status"]).contains("RELOAD FAILED 0 s ago: "));
    assert_eq!(seen.pipe()["keys"].as_array().unwrap().len(), 2);
    assert!(seen.metric("spiped_last_reload_successful") < 0.5);
}

#[test]
fn log_level_is_shown_and_changed() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::server(&lab, backend.endpoint());
    assert_eq!(seen.see(&["log-level"]), "warn\n");
    assert_eq!(seen.see(&["log-level", "debug"]), "debug\n");
    let stranger = seen.daemon.connect();
    let line = format!("{}: accepted", shown(&stranger));
    seen.daemon.process.wait_for_stderr(&line);
    assert_eq!(seen.see(&["log-level", "error"]), "error\n");
    let quiet = seen.daemon.connect();
    seen.wait_for(2, "stranger");
    let log = seen.daemon.process.stderr();
    assert!(!log.contains(&shown(&quiet)), "{log}");
    seen.run(&["log-level", "loud"]).expect_failure("Unknown log level: loud");
}

#[test]
fn whoever_asks_in_the_wrong_place_is_told_where_the_right_one_is() {
    let lab = Lab::new();
    let path = lab.path(CONTROL);
    let path = path.display();
    for command in ["status", "list", "reload", "log-level"] {
        let exit = run(&lab, &[command]);
        exit.expect_failure(&format!("There is no control socket {path}: "));
        exit.expect_failure("--control");
        exit.expect_failure(&format!("`control = \"{path}\"`"));
    }
    // What a daemon leaves behind that was killed.
    drop(UnixListener::bind(lab.path(CONTROL)).unwrap());
    run(&lab, &["status"])
        .expect_failure(&format!("No daemon listens on the control socket {path}: "));
    let exit = Process::spawn(Program::Spiped.ours(&lab, &["status"])).wait();
    exit.expect_failure("/run/spiped/control");
}

#[test]
fn control_socket_is_for_its_owner_and_outlives_no_daemon_that_was_killed() {
    let lab = Lab::new();
    let mut seen = Seen::server(&lab, &lab.tcp());
    let mode = fs::metadata(lab.path(CONTROL)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let control = lab.path(CONTROL);
    let rival = Spiped::decrypt(&lab, &lab.tcp()).args(&["--control", control.to_str().unwrap()]);
    let exit = rival.run();
    exit.expect_failure(&format!("Cannot create the control socket {}", control.display()));
    exit.expect_failure("--control");
    seen.see(&["status"]);
    seen.daemon.process.signal(Signal::SIGKILL);
    seen.daemon.process.wait();
    drop(seen);
    Seen::server(&lab, &lab.tcp()).see(&["status"]);
}

#[test]
fn control_socket_without_its_folder_fails_the_start() {
    let lab = Lab::new();
    let exit = Spiped::decrypt(&lab, &lab.tcp()).args(&["--control", "/nonexistent/control"]).run();
    exit.expect_failure("Cannot create the control socket /nonexistent/control");
    exit.expect_failure("its directory has to exist");
}

/// A directory of keys of these names.
fn keys(lab: &Lab, names: &[&str]) -> std::path::PathBuf {
    fs::create_dir(lab.path("keys")).unwrap();
    for name in names {
        lab.write_key(&format!("keys/{name}"), key_called(name));
    }
    fs::set_permissions(lab.path("keys"), Permissions::from_mode(0o700)).unwrap();
    lab.path("keys")
}

fn copy(lab: &Lab, name: &str) -> std::path::PathBuf {
    lab.write_key(&format!("copy-of-{name}"), key_called(name))
}

/// As the log and the list show the peer.
fn shown(conn: &Conn) -> String {
    let address = conn.local_address();
    format!("[{}]:{}", address.ip(), address.port())
}
