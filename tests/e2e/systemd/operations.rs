use spiped_tests::book::{self, Step};
use spiped_tests::{Host, Machine, Shell};

use super::{Monitor, wait_for_redis};

/// While pipes come, change and get new keys, a connection goes on, until its host
/// is locked out.
#[test]
#[ignore = "soak"]
fn operations_are_as_the_documentation_says() {
    let (db1, app1) = (Machine::boot(Host::Db1), Machine::boot(Host::App1));
    db1.connect(&app1);
    let mut monitor = None;
    for (number, step) in book::steps("docs/operations.md").iter().enumerate() {
        if step.heading == "See what runs" && monitor.is_none() {
            wait_for_redis(&app1, 8000);
            monitor = Some(Monitor::start(&app1, 8000, &db1));
        }
        for (host, machine, other) in [(Host::Db1, &db1, &app1), (Host::App1, &app1, &db1)] {
            if step.is_for(host) {
                follow(step, machine, other);
            }
        }
        if let Some(mut goes_on) = monitor.take() {
            if step.heading == "Lock a host out" {
                goes_on.expect_end();
            } else {
                goes_on.expect_alive(&format!("after-step-{number}"));
                monitor = Some(goes_on);
            }
        }
    }
    assert_eq!(db1.answer("systemctl is-active spiped spiped@cache"), "active\nactive");
}

/// Writes a file, or runs commands one by one.
#[track_caller]
fn follow(step: &Step, machine: &Machine, other: &Machine) {
    if let Some(file) = step.file() {
        machine.write(file, &step.text);
    } else if step.language.is_empty() {
        for command in step.text.lines() {
            type_in(command, machine, other);
        }
    }
}

#[track_caller]
fn type_in(command: &str, machine: &Machine, other: &Machine) {
    // It has been installed before it was booted.
    if command == "make install" {
        return;
    }
    // `ssh root@app1 'COMMAND' < FILE`: with a terminal between, as it were.
    if let Some(remote) = command.strip_prefix("ssh root@app1 '") {
        let (remote, file) = remote.split_once("' < ").expect("a command and a file");
        let content = machine.answer(&format!("base64 --wrap=0 {file}"));
        other.answer(&format!("echo {content} | base64 --decode | ({remote})"));
    } else {
        machine.answer(command);
    }
}
