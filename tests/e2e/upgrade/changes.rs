use std::fs;

use spiped_tests::traffic::{Connection, Form, Manner, Traffic};
use spiped_tests::{Backend, Lab, Upgradable, pipe, procfs, wait};

use super::awake;

#[test]
fn settings_that_have_changed_are_in_use_afterwards() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 18);
    let (source, backend) = (lab.tcp(), Backend::narrow(&lab));
    let own = pipe("own", "decrypt", &source, backend.endpoint(), "");
    let process = Upgradable::process("");
    daemon.configured().write(&process, &[&daemon.pipes("")[..], &[own]].concat());
    daemon.upgrade();
    let establish = |number| {
        Connection::establish(number, Form::ServerX25519, Manner::PingPong, &source, &backend)
    };
    let own = Traffic::start(vec![establish(1000), establish(1001)]);
    own.settle();
    traffic.expect_progress();

    // A pipe that is gone keeps its connections, and with them the old process.
    let first = daemon.pid();
    daemon.configure("");
    daemon.upgrade();
    wait::until("nobody listened there", || !procfs::is_listening(&source));
    own.expect_progress();
    traffic.expect_progress();
    assert!(procfs::is_alive(first));
    own.finish().expect_all_delivered();
    wait::until("the old process had ended", || !procfs::is_alive(first));
    traffic.finish().expect_all_delivered();
}

#[test]
fn faulty_settings_are_named_and_nothing_changes() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    daemon.configure("no-such-option = 1");
    daemon.expect_refusal("no-such-option");
    let taken = lab.tcp();
    let _other = Backend::manual_at(&taken);
    let own = pipe("own", "decrypt", &taken, &lab.tcp(), "");
    daemon.configured().write(&Upgradable::process(""), &[&daemon.pipes("")[..], &[own]].concat());
    daemon.expect_refusal("in use");
    traffic.expect_progress();
    daemon.configure("");
    daemon.upgrade();
    traffic.finish().expect_all_delivered();
}

/// A key that nobody can read any more is in use until it is to be another.
#[test]
fn keys_that_are_gone_stay_in_use() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 9);
    let key = fs::read(lab.key()).unwrap();
    fs::remove_file(lab.key()).unwrap();
    for _ in 0..2 {
        daemon.upgrade();
        daemon.expect_service();
        traffic.expect_progress();
    }
    assert_eq!(daemon.configured().run(&["reload"]).code(), Some(1));
    lab.write_key("key", key);
    daemon.configured().reload();
    daemon.expect_service();
    traffic.finish().expect_all_delivered();
}
