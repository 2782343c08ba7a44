use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, Upgradable, pipe, procfs, wait};

use super::awake;

/// They are done where they began, and follow.
#[test]
fn handshake_under_way_is_done_by_the_old_process_and_its_connection_follows() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    let (source, backend) = (lab.tcp(), Backend::manual(&lab));
    let own = pipe("own", "decrypt", &source, backend.endpoint(), "");
    let process = Upgradable::process("");
    daemon.configured().write(&process, &[&daemon.pipes("")[..], &[own]].concat());
    daemon.configured().reload();
    let first = daemon.pid();

    let handshakes: Vec<_> =
        (0..5).map(|_| Handshake::begin(Conn::to(&source), Side::Client, KEY)).collect();
    daemon.upgrade();
    assert!(procfs::is_alive(first), "handshakes are under way");
    // Both serve, and the next upgrade need not wait for it.
    let second = daemon.pid();
    daemon.expect_service();
    let mut established: Vec<_> = handshakes
        .into_iter()
        .map(|handshake| (handshake.complete_x25519(), backend.accept()))
        .collect();
    for (session, target) in &mut established {
        session.send(b"question");
        assert_eq!(target.receive(8), b"question");
    }
    wait::until("the old process had nothing to do", || !procfs::is_alive(first));
    for (session, target) in &mut established {
        target.send(b"answer");
        assert_eq!(session.receive(), b"answer");
    }
    assert_eq!(daemon.pid(), second);
    wait::until("all were counted", || counted(&daemon, "accepted") == 5);
    assert_eq!(counted(&daemon, "open"), 5);
    daemon.upgrade();
    for (session, target) in &mut established {
        session.send(b"again");
        assert_eq!(target.receive(5), b"again");
    }
    traffic.finish().expect_all_delivered();
}

#[test]
fn stranger_that_stays_silent_does_not_keep_the_old_process() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    let (source, backend) = (lab.tcp(), Backend::manual(&lab));
    let own = pipe("own", "decrypt", &source, backend.endpoint(), "timeout = \"3s\"");
    let process = Upgradable::process("");
    daemon.configured().write(&process, &[&daemon.pipes("")[..], &[own]].concat());
    daemon.configured().reload();
    let first = daemon.pid();
    let mut silent: Vec<_> = (0..10).map(|_| Conn::to(&source)).collect();
    // It has seen them.
    for stranger in &mut silent {
        drop(stranger.receive(32));
    }
    daemon.upgrade();
    traffic.expect_progress();
    wait::until("the old process had ended", || !procfs::is_alive(first));
    for stranger in &mut silent {
        stranger.expect_end_without_data();
    }
    wait::until("all were counted", || counted(&daemon, "accepted") == 10);
    assert_eq!(counted(&daemon, "open"), 0);
    traffic.finish().expect_all_delivered();
}

/// What the pipe of our own has counted.
fn counted(daemon: &Upgradable<'_>, word: &str) -> u64 {
    let status = daemon.configured().run(&["status", "--json"]).answer();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let pipes = status["pipes"].as_array().unwrap();
    let own = pipes.iter().find(|pipe| pipe["name"] == "own").unwrap();
    own[word].as_u64().unwrap_or_else(|| panic!("{word}: {own}"))
}

/// What comes between two processes is in the kernel's queue.
#[test]
fn nobody_is_turned_away_while_processes_change() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    for _ in 0..3 {
        let mut asked = daemon.ask();
        // As many as there is time for.
        while asked.is_running() {
            daemon.expect_service();
        }
        asked.wait().expect_success();
    }
    traffic.finish().expect_all_delivered();
}
