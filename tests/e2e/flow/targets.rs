//! Several targets: which is connected to, and what is remembered of those that
//! cannot be reached.

use std::time::{Duration, Instant};

use spiped_tests::{Backend, BlackHole, Daemon, Endpoint, Lab, Spiped, wait};

#[test]
fn first_target_that_can_be_reached_is_used() {
    let lab = Lab::new();
    let (first, second) = (lab.tcp(), Backend::echo(&lab));
    let [server, client] = start(&lab, [&first, second.endpoint()], &[]);
    for _ in 0..3 {
        client.connect().expect_echo(b"second");
    }
    assert_eq!(second.accepted(), 3);
    let log = server.process.stderr();
    let down = format!("target {first} cannot be reached: Connection refused");
    assert_eq!(log.matches(&down).count(), 1, "{log}");
    // A trial connection brings it back, without a connection that waits for it.
    let first = Backend::echo_at(&first);
    server.process.wait_for_stderr(&format!("target {} can be reached again", first.endpoint()));
    client.connect().expect_echo(b"first");
    assert_eq!(second.accepted(), 3);
}

#[test]
fn connections_are_spread_in_turn() {
    let lab = Lab::new();
    let backends = [Backend::echo(&lab), Backend::echo(&lab)];
    let targets = [backends[0].endpoint(), backends[1].endpoint()];
    let [_server, client] = start(&lab, targets, &["--balance", "spread"]);
    for _ in 0..6 {
        client.connect().expect_echo(b"in turn");
    }
    assert_eq!(backends.each_ref().map(Backend::accepted), [3, 3]);
}

#[test]
fn target_that_does_not_answer_costs_its_time_only_once() {
    let lab = Lab::new();
    let (silent, second) = (lab.tcp(), Backend::echo(&lab));
    let _hole = BlackHole::at(&silent);
    let balance = ["--balance", "spread"];
    let [server, client] = start(&lab, [&silent, second.endpoint()], &balance);
    client.connect().expect_echo(b"after its share of the time");
    server.process.wait_for_stderr("cannot be reached");
    let start = Instant::now();
    for _ in 0..4 {
        client.connect().expect_echo(b"at once");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn all_targets_that_failed_are_named_and_tried_again() {
    let lab = Lab::new();
    let (first, second) = (lab.tcp(), lab.tcp());
    let [server, client] = start(&lab, [&first, &second], &[]);
    client.connect().expect_end_without_data();
    let refused = "Connection refused";
    server.process.wait_for_stderr(&format!("{first}: {refused}; {second}: {refused}"));
    let second = Backend::echo_at(&second);
    wait::until("the second was found", || client.connect().echoes(b"there"));
    assert!(second.accepted() > 0);
}

/// A `-d` with these targets, and an `-e` in front of it.
fn start(lab: &Lab, [first, second]: [&Endpoint; 2], args: &[&str]) -> [Daemon; 2] {
    let server = Spiped::decrypt(lab, first).also_to(second).time_limit("4").args(args).start();
    let client = Spiped::encrypt(lab, server.source()).start();
    [server, client]
}
