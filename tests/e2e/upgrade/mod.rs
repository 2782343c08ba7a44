//! A new program in the place of one that serves.

// Settings that have changed by then.
mod changes;
// Under the walls of a unit.
mod confined;
// Programs that cannot take over.
mod failures;
// What an upgrade costs.
mod figures;
// To a later version and back.
mod formats;
// Handshakes under way, and what cannot move.
mod handshakes;
// Whichever process ends at whichever step.
mod kills;
// A real service behind the pipe.
mod redis;
// Who asks, and what they are told.
mod requests;
// What the new process makes, and what it is given.
mod taking_over;

use std::path::PathBuf;
use std::thread;

use spiped_tests::exchange::NAP;
use spiped_tests::traffic::{Manner, Traffic};
use spiped_tests::{Lab, Origin, Process, Program, Upgradable, wait};

#[test]
fn connections_of_all_manners_go_on_through_one_upgrade_after_the_other() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = asleep_and_awake(&daemon, 36);
    for upgrades in 1..=5 {
        let before = daemon.pid();
        let said = daemon.upgrade();
        assert!(said.contains("36 connections moved"), "{said}");
        daemon.wait_until_only(daemon.pid());
        daemon.expect_logged(&format!("Process {} ", daemon.pid()), 1);
        assert_ne!(daemon.pid(), before);
        traffic.expect_progress();
        // Those that sleep were not woken, and those that are new are served, too.
        daemon.expect_service();
        let status = daemon.configured().run(&["status", "--json"]).answer();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let sum = |word: &str| -> u64 {
            status["pipes"].as_array().unwrap().iter().map(|it| it[word].as_u64().unwrap()).sum()
        };
        assert_eq!(sum("accepted"), 36 + 4 * upgrades, "{status}");
    }
    traffic.finish().expect_all_delivered();
}

/// Connections of all manners, half of which have had nothing to do for a while.
#[track_caller]
fn asleep_and_awake(daemon: &Upgradable<'_>, connections: usize) -> Traffic {
    let asleep = daemon.connections(all_manners().take(connections / 2));
    let asleep = Traffic::start(asleep);
    asleep.settle();
    wait::observe(NAP);
    let awake = daemon.connections(all_manners().take(connections.div_ceil(2)));
    let traffic = asleep.and(awake);
    traffic.settle();
    traffic
}

/// Connections of all manners, none of which has had time to fall asleep.
#[track_caller]
fn awake(daemon: &Upgradable<'_>, connections: usize) -> Traffic {
    let traffic = Traffic::start(daemon.connections(all_manners().take(connections)));
    traffic.settle();
    traffic
}

/// One of each manner after the other: their number has no factor in common with that
/// of the forms, so that each comes to have each.
fn all_manners() -> impl Iterator<Item = Manner> {
    Manner::ALL.into_iter().cycle()
}

/// The program under test.
fn ours() -> PathBuf {
    Program::Spiped.path(Origin::Ours)
}

/// Does this at each of these steps, all at once.
#[track_caller]
fn at_each(steps: &[&'static str], connections: usize, act: impl Fn(&str, Run<'_>) + Sync) {
    let at_once = if connections > 100 { 2 } else { steps.len() };
    for steps in steps.chunks(at_once) {
        thread::scope(|scope| {
            let act = &act;
            let runs: Vec<_> = steps
                .iter()
                .map(|step| {
                    let name = thread::Builder::new().name((*step).into());
                    let run = move || {
                        let lab = Lab::new();
                        act(step, Run::start(&lab, connections));
                    };
                    (step, name.spawn_scoped(scope, run).unwrap())
                })
                .collect();
            let failed = runs.into_iter().filter_map(|(step, run)| run.join().err().map(|_| step));
            let failed: Vec<_> = failed.collect();
            assert!(failed.is_empty(), "at {failed:?}");
        });
    }
}

/// A daemon with connections of all manners, awake and asleep.
struct Run<'lab> {
    daemon: Upgradable<'lab>,
    first: i32,
    traffic: Traffic,
}

impl<'lab> Run<'lab> {
    #[track_caller]
    fn start(lab: &'lab Lab, connections: usize) -> Self {
        let daemon = Upgradable::new(lab).edition();
        let first = daemon.pid();
        let traffic = asleep_and_awake(&daemon, connections);
        Self { daemon, first, traffic }
    }

    /// Asks for an upgrade and waits until it has come to a step.
    #[track_caller]
    fn up_to(&self, step: &str) -> Process {
        self.daemon.steps.hold(step);
        let command = self.daemon.ask();
        self.daemon.steps.wait_for(step);
        command
    }

    /// Goes on, after processes were told to end: they serve their connections first.
    #[track_caller]
    fn expect_end_of_all(self, mut asked: Process) {
        self.daemon.steps.release();
        asked.wait();
        self.traffic.expect_progress();
        self.traffic.finish().expect_all_delivered();
        self.daemon.wait_until_none();
    }
}
