//! `SIGHUP` reads the keys again: all of them, or the old ones stay.

use std::fs;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use spiped_tests::{Backend, KEY, Lab, OTHER_KEY, Spiped, key_called, wait};

use super::{KEPT, Keys, expect_refusal, expect_service, link, reload};

#[test]
fn changes_are_told() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "bob", "carol"]);
    let server = keys.server(&lab.tcp()).start();
    reload(&server);
    server.process.wait_for_stderr("Keys reloaded: 3 in use; none is new\n");
    keys.add("dave");
    keys.add("eve");
    keys.remove("alice");
    lab.write_key("keys/bob", "another");
    reload(&server);
    let line = "Keys reloaded: 4 in use; added: dave, eve; removed: alice; replaced: bob\n";
    server.process.wait_for_stderr(line);
}

#[test]
fn set_that_cannot_be_used_leaves_the_old_one_whole() {
    type Spoil = fn(&Keys<'_>);
    let broken: [(Spoil, &str); 5] = [
        (|keys| link("nowhere", keys.file("carol")), "/keys/carol: No such file or directory"),
        (
            |keys| drop(keys.lab.write_key("keys/carol", key_called("bob"))),
            "Keys bob and carol have the same content",
        ),
        (|keys| drop(keys.lab.write_key("keys/carol", "")), "/keys/carol is empty"),
        (
            |keys| ["alice", "bob"].into_iter().for_each(|name| keys.remove(name)),
            "No key file in the directory",
        ),
        (|keys| fs::remove_dir_all(keys.directory()).unwrap(), "/keys: No such file or directory"),
    ];
    for (spoil, reason) in broken {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let keys = Keys::new(&lab, &["alice", "bob"]);
        let server = keys.server(backend.endpoint()).args(&["--close-revoked"]).start();
        let clients = ["alice", "bob"].map(|name| keys.client(&server, name));
        let mut conns = clients.each_ref().map(expect_service);
        // A key that would be new, were the set not spoilt.
        keys.add("zoe");
        if reason.starts_with("No key file") {
            keys.remove("zoe");
        }
        spoil(&keys);
        reload(&server);
        let log = server.process.stderr();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(KEPT)).collect();
        let [line] = *lines else { panic!("{log}") };
        assert!(line.contains(reason), "no {reason:?} in {line}");
        assert!(!log.contains("Keys reloaded"), "{log}");
        for (client, conn) in clients.iter().zip(&mut conns) {
            conn.expect_echo(b"still open");
            expect_service(client);
        }
        expect_refusal(&keys.client(&server, "zoe"));
    }
}

#[test]
fn key_file_of_a_client_is_read_again() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key(lab.other_key()).start();
    let client = Spiped::encrypt(&lab, server.source()).args(&["--log-level", "error"]).start();
    expect_refusal(&client);
    lab.write_key("key", OTHER_KEY);
    reload(&client);
    expect_service(&client);
    client.process.wait_for_stderr("1 in use; replaced: the key without a name\n");
}

#[test]
fn names_on_the_command_line_are_read_again() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let changing = lab.write_key("changing", "first");
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=key");
    let server = server.args(&["-k", "bob=changing", "--log-level", "info"]).start();
    lab.write_key("changing", "second");
    let client = Spiped::encrypt(&lab, server.source()).key(changing).start();
    expect_refusal(&client);
    reload(&server);
    server.process.wait_for_stderr("2 in use; replaced: bob\n");
    expect_service(&client);
}

#[test]
fn standard_input_is_not_read_again() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("-").stdin(lab.key()).start();
    server.process.signal(Signal::SIGHUP);
    server.process.wait_for_stderr(
        "The key on standard input cannot be read again: use a key file; the old keys stay in use",
    );
    expect_service(&Spiped::encrypt(&lab, server.source()).start());
}

/// What a pipe has left, or a file that is being written, is no key: everybody
/// knows the hash of nothing.
#[test]
fn single_key_is_read_again_from_a_file_with_content_only() {
    type Spoil = fn(&Lab);
    let broken: [(Spoil, &str); 2] = [
        (|lab| drop(lab.write_key("key", "")), "key is empty"),
        (
            |lab| {
                fs::remove_file(lab.key()).unwrap();
                mkfifo(&lab.key(), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
            },
            "Not a regular file: ",
        ),
    ];
    for (spoil, reason) in broken {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let copy = lab.write_key("copy", KEY);
        let mut server = Spiped::decrypt(&lab, backend.endpoint()).start();
        spoil(&lab);
        reload(&server);
        server.process.wait_for_stderr(reason);
        expect_service(&Spiped::encrypt(&lab, server.source()).key(copy).start());
        server.process.signal(Signal::SIGTERM);
        server.process.wait().expect_success();
    }
}

#[test]
fn signals_that_come_while_keys_are_read_are_not_lost() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice"]);
    let server = keys.server(backend.endpoint()).start();
    let rounds = 50;
    for number in 0..rounds {
        keys.add(&format!("key-{number}"));
        server.process.signal(Signal::SIGHUP);
    }
    let last = format!("Keys reloaded: {} in use", rounds + 1);
    wait::until("the last key was in use", || server.process.stderr().contains(&last));
}
