//! Names, users, exposure, targets; several faults at once; forms of output.

use std::process::Command;

use spiped_tests::{Backend, Lab, Process, Program};

use super::{Checked, check};

#[test]
fn several_faults_are_all_told_at_once() {
    let lab = Lab::new();
    let words = ["-d", "-s", "[192.0.2.1]:1", "-t", UNRESOLVABLE, "-k", "none", "-u", "nosuch"];
    let checked = check(&lab, &words);
    checked.expect_bad().expect_sum("1 pipe, 4 errors, 0 warnings");
    checked.expect_line("error: -s: ", "192.0.2.1 is not an address of this host");
    checked.expect_line("error: -t: ", "Error looking up nonexistent.invalid: ");
    checked.expect_line("error: -k: ", "Cannot open file: none");
    checked.expect_line("error: -u: ", "No such user: nosuch");
}

#[test]
fn unresolved_name_is_a_warning_where_the_pipe_waits_for_it() {
    let lab = Lab::new();
    let source = lab.tcp().to_string();
    let words = ["-d", "-s", &source, "-t", UNRESOLVABLE, "-k", "key"];
    check(&lab, &words)
        .expect_bad()
        .expect_line("error: -t: ", "correct the name, or let the pipe");
    let patiently = [&words[..], &["-D"]].concat();
    check(&lab, &patiently).expect_good().expect_line("warning: -t: ", "the pipe will wait");
}

#[test]
fn unreachable_target_is_a_warning() {
    let lab = Lab::new();
    let (source, target) = (lab.tcp().to_string(), lab.tcp().to_string());
    let words = ["-d", "-s", &source, "-t", &target, "-k", "key"];
    let words_of_it = format!("Cannot reach the target: {target}: Connection refused");
    let checked = check(&lab, &words);
    checked.expect_good().expect_line("warning: -t: ", &words_of_it);
    check(&lab, &[&words[..], &["--strict"]].concat()).expect_bad();
}

#[test]
fn plain_side_beyond_this_host_is_a_warning() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = format!("[0.0.0.0]:{}", lab.tcp().port());
    let target = backend.endpoint().to_string();
    let words = ["-e", "-s", &source, "-t", &target, "-k", "key"];
    check(&lab, &words).expect_good().expect_line("warning: -s: ", "which other hosts can reach");
}

#[test]
fn wrong_options_are_refused_as_the_daemon_refuses_them() {
    let lab = Lab::new();
    let Checked(exit) = check(&lab, &["-d", "-s", "[127.0.0.1]:1"]);
    exit.expect_failure("Missing option: -t");
}

#[test]
fn programs_get_json() {
    let lab = Lab::new();
    let source = lab.tcp().to_string();
    let words = ["-d", "-s", &source, "-t", UNRESOLVABLE, "-k", "key", "--json"];
    let checked = check(&lab, &words);
    let report: serde_json::Value = serde_json::from_str(&checked.expect_bad().text()).unwrap();
    assert_eq!((&report["pipes"], &report["errors"]), (&1.into(), &1.into()));
    let findings = report["findings"].as_array().unwrap();
    let error = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
    assert_eq!(error["place"], "-t");
    assert!(error["words"].as_str().unwrap().contains("nonexistent.invalid"), "{error}");
}

#[test]
fn what_a_user_may_not_look_at_is_a_warning_that_says_so() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    lab.write_key("key", spiped_tests::KEY);
    let target = backend.endpoint().to_string();
    let words = ["-d", "-s", "[127.0.0.1]:81", "-t", &target, "-k", "key", "-u", "nobody"];
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--clear-groups", "sh", "-c", "exec \"$@\"", "sh"]);
    // The program may be where that user cannot go.
    let program = lab.path("spiped");
    std::fs::copy(Program::Spiped.path(spiped_tests::Origin::Ours), &program).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(lab.directory(), everybody).unwrap();
    command.arg(program).arg("check").args(words).current_dir(lab.directory());
    let checked = Checked(Process::spawn(command).wait());
    checked
        .expect_good()
        .expect_line("warning: -k: ", "User 65534 cannot read it: run spiped check as");
    checked.expect_line(
        "warning: -s: ",
        "user 65534 may not listen on port 81: run spiped check as root",
    );
    checked.expect_line("warning: -u: ", "Only root can change to another user (-u)");
}

const UNRESOLVABLE: &str = "nonexistent.invalid:1";
