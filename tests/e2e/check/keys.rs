//! Key files: owner, mode, strength, fingerprint.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use nix::unistd::{Uid, chown, geteuid};
use spiped_tests::{Backend, Lab, Process, Program, key_called};

use super::check;

#[test]
fn fingerprint_of_each_key_is_shown() {
    let (lab, keys) = with_keys(&["alice", "bob"]);
    let checked = check(&lab, &keys);
    checked.expect_good().expect_sum("1 pipe, 0 errors, 0 warnings");
    for name in ["alice", "bob"] {
        let words = ["fingerprint", &format!("keys/{name}")];
        let exit = Process::spawn(Program::Spiped.ours(&lab, &words)).wait();
        let line = String::from_utf8(exit.stdout).unwrap();
        let fingerprint = line.trim().rsplit(' ').next().unwrap();
        let words = format!("Key {name}: fingerprint {fingerprint}, in keys/{name}");
        checked.expect_line("note: -k: ", &words);
    }
}

#[test]
fn all_that_is_wrong_with_several_keys_is_told_at_once() {
    let (lab, words) = with_keys(&["good"]);
    lab.write("keys/readable", key_called("readable"));
    lab.write_key("keys/empty", "");
    lab.write_key("keys/same", key_called("good"));
    lab.write_key("keys/weak", "weak");
    lab.write_key("keys/not-meant.conf", "settings");
    fs::set_permissions(lab.path("keys/readable"), Permissions::from_mode(0o644)).unwrap();
    let checked = check(&lab, &words);
    checked.expect_bad().expect_sum("1 pipe, 4 errors, 1 warning");
    checked.expect_line("error: -k: ", "keys/readable can be read by other users: run chmod");
    checked.expect_line("error: -k: ", "keys/empty is empty");
    checked.expect_line("error: -k: ", "Keys good and same have the same content");
    checked.expect_line("error: -k: ", "keys/not-meant.conf is in a directory of keys");
    checked.expect_line("warning: -k: ", "keys/weak is easy to guess");
    checked.expect_line("note: -k: ", "Key good: fingerprint");
}

#[test]
fn what_speaks_against_a_key_counts_with_strict_keys_and_with_strict() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    lab.write_key("key", "easy to guess");
    let (source, target) = (lab.tcp().to_string(), backend.endpoint().to_string());
    let words = ["-d", "-s", &source, "-t", &target, "-k", "key"];
    check(&lab, &words).expect_good().expect_line("warning: -k: ", "easy to guess");
    let strictly = [&words[..], &["--strict"]].concat();
    check(&lab, &strictly).expect_bad().expect_line("warning: -k: ", "easy to guess");
    let strictly = [&words[..], &["--strict-keys"]].concat();
    check(&lab, &strictly).expect_bad().expect_line("error: -k: ", "easy to guess");
}

#[test]
fn missing_key_is_an_error_and_a_pipe_is_left_alone() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (source, target) = (lab.tcp().to_string(), backend.endpoint().to_string());
    let words = ["-e", "-s", &source, "-t", &target, "-k", "none"];
    check(&lab, &words).expect_bad().expect_line("error: -k: ", "Cannot open file: none: No such");
    nix::unistd::mkfifo(&lab.path("none"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    check(&lab, &words).expect_good().expect_line("warning: -k: ", "none is a pipe");
}

#[test]
fn owner_counts() {
    assert!(geteuid().is_root(), "only root can give a file away");
    let (lab, words) = with_keys(&["alice"]);
    chown(&lab.path("keys/alice"), Some(Uid::from_raw(12345)), None).unwrap();
    check(&lab, &words).expect_bad().expect_line("error: -k: ", "belongs to user 12345");
    let as_owner = [&words[..], &["-u", "12345"]].concat();
    check(&lab, &as_owner).expect_good();
}

/// A lab with a directory of keys, and options of a `spiped -d` with these.
fn with_keys(names: &[&str]) -> (Lab, Vec<&'static str>) {
    let lab = Lab::new();
    fs::create_dir(lab.path("keys")).unwrap();
    for name in names {
        lab.write_key(&format!("keys/{name}"), key_called(name));
    }
    // Nothing is there, and nothing has to: neither source nor target is a port.
    std::os::unix::net::UnixListener::bind(lab.path("target")).map(std::mem::forget).unwrap();
    let at = |name: &str| lab.path(name).to_str().unwrap().to_owned().leak() as &'static str;
    let (source, target) = (at("source"), at("target"));
    (lab, vec!["-d", "-s", source, "-t", target, "-k", "keys"])
}
