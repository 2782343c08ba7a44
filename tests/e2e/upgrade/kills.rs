//! SIGKILL for either process at every step, under load: no key stream is used twice,
//! no byte is wrong, and nothing that broke off looks like a proper end.

use spiped_tests::{Lab, wait};

use super::{Run, at_each};

/// Until here the daemon has everything that it had.
const BEFORE: [&str; 10] = [
    "Asked", "Started", "Greeted", "Listed", "Heard", "Made", "Stopped", "Resumed", "Sent", "Taken",
];
/// Then neither can use the states of the sessions.
const BETWEEN: &str = "Wiped";
/// Then they are the successor's.
const AFTER: [&str; 4] = ["Committed", "Entitled", "Serving", "Succeeded"];

#[test]
fn successor_that_is_killed_before_the_commit_changes_nothing() {
    successors_are_killed(36, 1);
}

#[test]
fn daemon_that_is_killed_before_the_commit_takes_its_connections_with_it() {
    daemons_are_killed_before_the_commit(9);
}

#[test]
fn daemon_that_is_killed_after_the_commit_is_not_missed() {
    daemons_are_killed_after_the_commit(12);
}

#[test]
fn successor_that_is_killed_after_the_commit_takes_its_connections_with_it() {
    successors_are_killed_after_the_commit(9);
}

#[test]
#[ignore = "soak"]
fn either_is_killed_with_five_hundred_connections() {
    for _ in 0..3 {
        successors_are_killed(500, 3);
        daemons_are_killed_before_the_commit(500);
        daemons_are_killed_after_the_commit(500);
        successors_are_killed_after_the_commit(500);
    }
}

/// One daemon survives one successor after the other.
#[track_caller]
fn successors_are_killed(connections: usize, times: usize) {
    let lab = Lab::new();
    let run = Run::start(&lab, connections);
    for step in BEFORE[1..].repeat(times) {
        let mut command = run.up_to(step);
        let successor = run.daemon.steps.successor();
        if step == "Sent" {
            // It says so after those that sleep, after those that say little, and at
            // last: the daemon hears that before it hears of the end.
            let taken = || run.daemon.steps.taken().into_iter().filter(|(it, _)| it == "Taken");
            wait::until("the successor had everything", || taken().count() == 3);
        }
        run.daemon.kill(successor);
        run.daemon.steps.release();
        command.wait().expect_failure("");
        run.daemon.expect_unchanged(run.first);
        run.traffic.expect_progress();
    }
    run.daemon.expect_logged("Upgrade failed", times * (BEFORE.len() - 1));
    run.daemon.steps.release();
    run.daemon.upgrade();
    run.traffic.expect_progress();
    run.traffic.finish().expect_all_delivered();
}

#[track_caller]
fn daemons_are_killed_before_the_commit(connections: usize) {
    at_each(&[&BEFORE[..], &[BETWEEN]].concat(), connections, |step, run| {
        let mut command = run.up_to(step);
        run.daemon.kill(run.first);
        run.daemon.steps.release();
        run.traffic.abandon().expect_all_reset();
        assert_eq!(command.wait().code(), Some(1), "{step}");
    });
}

#[track_caller]
fn daemons_are_killed_after_the_commit(connections: usize) {
    at_each(&AFTER, connections, |step, run| {
        let _command = run.up_to(step);
        let successor = run.daemon.steps.successor();
        run.daemon.kill(run.first);
        run.daemon.steps.release();
        wait::until("the pid file named the successor", || run.daemon.pid() == successor);
        run.traffic.expect_progress();
        run.daemon.expect_service();
        run.daemon.wait_until_only(successor);
        run.daemon.upgrade();
        run.traffic.finish().expect_all_delivered();
    });
}

#[track_caller]
fn successors_are_killed_after_the_commit(connections: usize) {
    at_each(&[&[BETWEEN], &AFTER[..3]].concat(), connections, |step, run| {
        let mut command = run.up_to(step);
        let successor = run.daemon.steps.successor();
        run.daemon.kill(successor);
        run.daemon.steps.release();
        // If the daemon was at the step, the other had time to say that it serves.
        let exit = command.wait();
        assert!(exit.code() == Some(1) || step == AFTER[0], "{step}: {exit:?}");
        if step == BETWEEN {
            run.daemon.expect_unchanged(run.first);
            run.daemon.expect_service();
            run.daemon.upgrade();
        }
        run.traffic.abandon().expect_all_reset();
    });
}
