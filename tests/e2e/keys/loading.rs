//! Keys that keep the daemon from starting, and those it warns about.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use spiped_tests::{Exit, Lab, Spipe, Spiped};

use super::{Keys, link};

/// protocol.md A-6.
#[test]
fn equal_content_is_refused_and_both_names_are_told() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "bob"]);
    lab.write_key("keys/carol", "alice");
    start(&keys).expect_failure("Keys alice and carol have the same content");
}

#[test]
fn equal_names_are_refused() {
    let lab = Lab::new();
    let spiped = Spiped::decrypt(&lab, &lab.tcp()).key("alice=key");
    let exit = spiped.args(&["-k", "alice=other-key"]).run();
    exit.expect_failure("Two keys have the name alice");
}

#[test]
fn empty_directory_is_refused() {
    let lab = Lab::new();
    start(&Keys::new(&lab, &[".hidden"])).expect_failure("No key file in the directory");
}

#[test]
fn more_keys_than_there_can_be_are_refused() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &[]);
    for number in 0..1025 {
        keys.add(&number.to_string());
    }
    start(&keys).expect_failure("1025 keys; 1024 are possible");
}

#[test]
fn link_that_leads_nowhere_is_refused_and_named() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    link("nowhere", keys.file("bob"));
    start(&keys).expect_failure("Cannot open file: ");
    start(&keys).expect_failure("/keys/bob: No such file or directory");
}

#[test]
fn missing_file_of_a_named_key_is_named() {
    let lab = Lab::new();
    let exit = Spiped::decrypt(&lab, &lab.tcp()).key("alice=missing").run();
    exit.expect_failure("Cannot open file: missing: No such file or directory");
}

#[test]
fn client_with_a_directory_is_told_what_to_do() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    let remedy = "Is a directory (a directory of keys is for spiped -d; name one of its files)";
    let exit = Spiped::encrypt(&lab, &lab.tcp()).key(keys.directory()).run();
    exit.expect_failure(remedy);
    let mut spipe = Spipe::to(&lab, &lab.tcp()).key(keys.directory()).start();
    spipe.process.wait().expect_failure(remedy);
}

#[test]
fn directory_is_not_one_key_with_a_name() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    let named = format!("bob={}", keys.directory().display());
    for spiped in [Spiped::encrypt(&lab, &lab.tcp()), Spiped::decrypt(&lab, &lab.tcp())] {
        spiped.key(&named).run().expect_failure("/keys: Is a directory");
    }
}

#[test]
fn second_key_of_a_client_is_a_mistake_of_usage() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("alice=key");
    let exit = spiped.args(&["-k", "bob=other-key"]).run();
    exit.expect_failure("Option given more than once: -k");
}

#[test]
fn second_key_without_a_name_is_a_mistake_of_usage() {
    for [first, second] in [["key", "other-key"], ["key", "b=other-key"], ["a=key", "other-key"]] {
        let lab = Lab::new();
        let exit = Spiped::decrypt(&lab, &lab.tcp()).key(first).args(&["-k", second]).run();
        exit.expect_failure("Option given more than once: -k");
    }
}

#[test]
fn files_that_others_can_read_are_warned_about() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "bob"]);
    fs::set_permissions(keys.file("bob"), Permissions::from_mode(0o644)).unwrap();
    let server = keys.server(&lab.tcp()).start();
    let log = server.process.stderr();
    let lines: Vec<_> = log.lines().collect();
    let [bob] = *lines else { panic!("{log}") };
    assert!(bob.contains("/keys/bob can be read by other users"), "{bob}");
}

#[test]
fn empty_file_is_no_key() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "carol"]);
    lab.write_key("keys/carol", "");
    start(&keys).expect_failure("/keys/carol is empty");
    lab.write_key("empty", "");
    let named = Spiped::decrypt(&lab, &lab.tcp()).key("dave=empty").run();
    named.expect_failure("empty is empty");
}

#[track_caller]
fn start(keys: &Keys<'_>) -> Exit {
    keys.server(&keys.lab.tcp()).run()
}
