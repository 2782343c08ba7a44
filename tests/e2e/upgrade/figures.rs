//! What docs/performance.md says of upgrades. The goals are for the release build on a
//! machine that does nothing else.

use std::fs;
use std::iter;
use std::time::{Duration, Instant};

use spiped_tests::exchange::NAP;
use spiped_tests::traffic::{Manner, Traffic};
use spiped_tests::{Lab, Upgradable, wait};

/// Most have nothing to say, some say something now and then, and a few at all times.
#[test]
#[ignore = "soak"]
#[allow(clippy::print_stdout, reason = "what it is for")]
fn pause_of_an_exchange_is_short() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = Traffic::start(daemon.connections([Manner::Idle; 500]));
    let traffic = traffic.and(daemon.connections([Manner::Pinging(1000); 480]));
    let traffic = traffic.and(daemon.connections([Manner::PingPong; 20]));
    traffic.settle();
    wait::observe(NAP);
    traffic.forget_pauses();
    wait::observe(Duration::from_secs(3));
    let undisturbed = traffic.forget_pauses();
    for _ in 0..5 {
        daemon.upgrade();
        traffic.expect_progress();
    }
    let results = traffic.finish();
    results.expect_all_delivered();
    let pauses = results.pauses_of(Manner::PingPong);
    let (median, worst) = (pauses[pauses.len() / 2], pauses[pauses.len() - 1]);
    let quiet = results.pauses_of(Manner::Pinging(1000));
    println!(
        "1,000 connections, longest exchange in five upgrades: of the busy ones median \
         {median:?}, worst {worst:?}; of the quiet ones median {:?}, worst {:?}; worst without \
         an upgrade {undisturbed:?}",
        quiet[quiet.len() / 2],
        quiet[quiet.len() - 1],
    );
    assert!(worst < Duration::from_millis(50), "{pauses:?}");
}

/// As many as 20,000 descriptors allow.
#[test]
#[ignore = "soak"]
#[allow(clippy::print_stdout, reason = "what it is for")]
fn thousands_of_idle_connections_move_in_seconds() {
    const CONNECTIONS: usize = 9000;
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab);
    let pipes = daemon.pipes("max-connections = 2400");
    daemon.configured().write(&Upgradable::process(""), &pipes);
    let daemon = daemon.ours();
    let connections = daemon.connections(iter::repeat_n(Manner::Idle, CONNECTIONS));
    // They are set to work afterwards: each waits for its first bytes.
    wait::observe(NAP);
    let before = memory(daemon.pid());
    let began = Instant::now();
    let mut asked = daemon.ask();
    let (mut took, mut most) = (began.elapsed(), 0);
    while asked.is_running() {
        most = most.max(daemon.processes().into_iter().map(memory).sum());
        took = began.elapsed();
    }
    let said = asked.wait().answer().replace(',', "");
    assert!(said.contains(&format!("{CONNECTIONS} connections moved")), "{said}");
    daemon.wait_until_only(daemon.pid());
    let after = memory(daemon.pid());
    println!(
        "{CONNECTIONS} idle connections: {took:?}; memory before {before} KiB, of all processes \
         meanwhile at most {most} KiB, after {after} KiB"
    );
    let traffic = Traffic::start(connections);
    traffic.settle();
    traffic.finish().expect_all_delivered();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

/// A process's share of the memory in use, in KiB; nothing if it has ended.
fn memory(pid: i32) -> u32 {
    let shares = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let share = |line: &str| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok();
    shares.lines().find_map(share).unwrap_or_default()
}
