//! Files of settings: every finding has its place, and pipes are told apart.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use spiped_tests::{Backend, Lab, Origin, Process, Program, procfs, wait};

use super::check;

#[test]
fn good_file_passes() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    write(
        &lab,
        &[pipe("one", &lab.tcp(), backend.endpoint()), pipe("two", &lab.tcp(), backend.endpoint())],
    );
    let checked = check(&lab, &[FILE]);
    checked.expect_good().expect_sum("2 pipes, 0 errors, 0 warnings");
    checked.expect_line("note: spiped.toml:5:7: pipe one: ", "fingerprint");
    checked.expect_line("note: spiped.toml:10:7: pipe two: ", "fingerprint");
}

#[test]
fn faults_of_the_words_are_told_at_once_with_their_places() {
    let lab = Lab::new();
    let text = "[pipe.one]\nmode = \"decript\"\nsource = \"[::1]:7\"\ntarget = 8\nkye = \"key\"\n";
    lab.write(FILE, text);
    let checked = check(&lab, &[FILE]);
    checked.expect_bad();
    checked.expect_line("error: spiped.toml:2:", "decript");
    checked.expect_line("error: spiped.toml:4:", "target");
    checked.expect_line("error: spiped.toml:5:1", "kye");
}

#[test]
fn faults_of_the_world_are_told_at_once_with_their_places() {
    let lab = Lab::new();
    let (one, two) = (lab.tcp(), lab.tcp());
    let backend = Backend::echo(&lab);
    write(
        &lab,
        &[
            pipe("one", &one, &"nonexistent.invalid:1"),
            pipe("two", &two, backend.endpoint()).replace("\"key\"", "\"none\""),
            pipe("three", &format!("[0.0.0.0]:{}", two.port()), backend.endpoint()),
        ],
    );
    let checked = check(&lab, &[FILE]);
    checked.expect_bad().expect_sum("3 pipes, 3 errors, 0 warnings");
    checked.expect_line("error: spiped.toml:4:10: pipe one: ", "nonexistent.invalid");
    checked.expect_line("error: spiped.toml:10:7: pipe two: ", "none: No such file");
    checked.expect_line("error: spiped.toml:13:10: pipe three: ", "Pipe two listens where this");
}

#[test]
fn file_that_others_can_change_is_a_warning() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    write(&lab, &[pipe("one", &lab.tcp(), backend.endpoint())]);
    fs::set_permissions(lab.path(FILE), Permissions::from_mode(0o606)).unwrap();
    let checked = check(&lab, &[FILE]);
    checked.expect_good().expect_sum("1 pipe, 0 errors, 1 warning");
    checked.expect_line("warning: spiped.toml: ", "by other users: run chmod go-w spiped.toml");
}

#[test]
fn file_that_is_missing_is_an_error() {
    let lab = Lab::new();
    check(&lab, &[FILE]).expect_bad().expect_line("error: spiped.toml: ", "No such file");
}

#[test]
fn ports_of_the_daemon_with_this_file_are_not_in_its_way() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    write(&lab, &[pipe("one", &source, backend.endpoint())]);
    let mut command = Command::new(Program::Spiped.path(Origin::Ours));
    command.args(["-F", "--config", FILE]).current_dir(lab.directory());
    let daemon = Process::spawn(command);
    wait::until("it listened", || procfs::is_listening(&source));
    let held = format!("in use by process {} (spiped), which has these settings", daemon.pid());
    let path = lab.path(FILE);
    // However the file is called.
    std::os::unix::fs::symlink(&path, lab.path("link.toml")).unwrap();
    for name in [FILE, "link.toml", path.to_str().unwrap()] {
        let checked = check(&lab, &["--strict", name]);
        checked.expect_good().expect_sum("1 pipe, 0 errors, 0 warnings");
        checked.expect_line("note: ", &held);
    }
    // The same words in another file are another daemon's.
    fs::copy(&path, lab.path("copy.toml")).unwrap();
    check(&lab, &["copy.toml"])
        .expect_bad()
        .expect_line("error: copy.toml:3:", "in use by process");
}

/// A stanza of five lines.
fn pipe(name: &str, source: &dyn std::fmt::Display, target: &dyn std::fmt::Display) -> String {
    format!(
        "[pipe.{name}]\nmode = \"decrypt\"\nsource = \"{source}\"\ntarget = \"{target}\"\nkey = \"key\"\n"
    )
}

fn write(lab: &Lab, pipes: &[String]) {
    lab.write(FILE, pipes.concat());
}

const FILE: &str = "spiped.toml";
