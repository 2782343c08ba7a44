//! `spiped keygen` and `spiped fingerprint`.

use std::fs;
use std::process::{Command, Stdio};

use spiped_tests::{Exit, Lab, Origin, Process, Program};

use super::{expect_files, mode};

fn run(lab: &Lab, words: &[&str]) -> Exit {
    Process::spawn(Program::Spiped.ours(lab, words)).wait()
}

/// What it printed, which is all it had to say.
#[track_caller]
fn printed(exit: Exit) -> String {
    exit.expect_success();
    assert_eq!(exit.stderr, "");
    String::from_utf8(exit.stdout).unwrap()
}

#[test]
fn new_key_is_for_its_owner_only_whatever_the_mask() {
    let lab = Lab::new();
    for mask in ["000", "077", "277", "777"] {
        let mut command = Command::new("sh");
        let script = format!("umask {mask}; exec \"$0\" keygen {mask}");
        command.args(["-c", &script]).arg(Program::Spiped.path(Origin::Ours));
        command.current_dir(lab.directory()).stdin(Stdio::null());
        let line = printed(Process::spawn(command).wait());
        assert!(line.starts_with(&format!("{mask}: ")), "{line}");
        assert_eq!(mode(&lab.path(mask)), 0o600);
        assert_eq!(fs::read(lab.path(mask)).unwrap().len(), 32);
    }
    assert_ne!(fs::read(lab.path("000")).unwrap(), fs::read(lab.path("077")).unwrap());
    expect_files(&lab, &["000", "077", "277", "777"]);
}

/// The next attempt would fail: it is there.
#[test]
fn file_that_was_made_is_told_of_even_if_its_fingerprint_is_not() {
    let lab = Lab::new();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" keygen new >/dev/full"]);
    command.arg(Program::Spiped.path(Origin::Ours)).current_dir(lab.directory());
    let exit = Process::spawn(command).wait();
    exit.expect_failure(
        "new was created, but its fingerprint cannot be shown: Cannot write to standard output",
    );
    expect_files(&lab, &["new"]);
}

#[test]
fn existing_file_is_never_overwritten() {
    let lab = Lab::new();
    let before = fs::read(lab.key()).unwrap();
    let exit = run(&lab, &["keygen", "key"]);
    exit.expect_failure("key exists already and is not overwritten: choose another name");
    assert_eq!(exit.stdout, b"");
    assert_eq!(fs::read(lab.key()).unwrap(), before);

    std::os::unix::fs::symlink("nowhere", lab.path("link")).unwrap();
    run(&lab, &["keygen", "link"]).expect_failure("link exists already");
    expect_files(&lab, &["link"]);
}

#[test]
fn error_leaves_nothing_behind() {
    let lab = Lab::new();
    for (file, reason) in [
        ("missing/key", "Cannot create missing/key: No such file or directory"),
        ("key/key", "Cannot create key/key: Not a directory"),
        ("/proc/key", "Cannot create /proc/key"),
        ("new/", "Cannot create new/: Is a directory"),
    ] {
        let exit = run(&lab, &["keygen", file]);
        exit.expect_failure(reason);
        assert_eq!(exit.stdout, b"");
    }
    expect_files(&lab, &[]);
}

#[test]
fn fingerprint_is_that_of_the_key() {
    let lab = Lab::new();
    // From Python's hashlib.
    assert_eq!(printed(run(&lab, &["fingerprint", "key"])), "key: y1kk-e34q-xn6k\n");

    let mut command = Program::Spiped.ours(&lab, &["fingerprint", "-", "key"]);
    command.stdin(fs::File::open(lab.key()).unwrap());
    let lines = printed(Process::spawn(command).wait());
    assert_eq!(lines, "-: y1kk-e34q-xn6k\nkey: y1kk-e34q-xn6k\n");
}

#[test]
fn keygen_tells_the_fingerprint_of_what_it_made() {
    let lab = Lab::new();
    let line = printed(run(&lab, &["keygen", "new"]));
    assert_eq!(printed(run(&lab, &["fingerprint", "new"])), line);
    assert_ne!(line, printed(run(&lab, &["keygen", "newer"])).replace("newer", "new"));
}

#[test]
fn fingerprints_of_the_files_that_can_be_read() {
    let lab = Lab::new();
    let exit = run(&lab, &["fingerprint", "missing", "key"]);
    exit.expect_failure("Cannot open file: missing: No such file or directory");
    assert_eq!(exit.stdout, b"key: y1kk-e34q-xn6k\n");
}

#[test]
fn poor_keys_are_warned_of() {
    let lab = Lab::new();
    let exit = run(&lab, &["fingerprint", "/dev/null"]);
    exit.expect_success();
    assert!(exit.stderr.contains("is empty"), "{}", exit.stderr);
}

#[test]
fn commands_have_help_and_usage() {
    let lab = Lab::new();
    for command in ["keygen", "fingerprint", "pair"] {
        let help = printed(run(&lab, &[command, "--help"]));
        let usage = format!("usage: spiped {command} ");
        assert!(help.contains(&usage), "{help}");

        let exit = run(&lab, &[command]);
        exit.expect_failure(&format!("spiped: Missing name of a key file\n{usage}"));
        let exit = run(&lab, &[command, "-x", "new"]);
        exit.expect_failure(&format!("spiped: illegal option -- -x\n{usage}"));
    }
    expect_files(&lab, &[]);
}

#[test]
fn command_is_the_first_word_or_none() {
    let lab = Lab::new();
    run(&lab, &["-F", "keygen", "new"]).expect_failure("Not an option: keygen");
    run(&lab, &["genkey", "new"]).expect_failure("No such command: genkey");
    expect_files(&lab, &[]);
}
