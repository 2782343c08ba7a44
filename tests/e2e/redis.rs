//! A real service behind the pipe.

use std::process::{Command, Stdio};

use spiped_tests::{Endpoint, Exit, Lab, Origin, Pair, Process, Program, Redis, Spiped, wait};

#[test]
fn values_are_set_and_read_back() {
    let lab = Lab::new();
    let redis = Redis::start(&lab, &[]);
    let mut pair = Pair::ours(&lab, redis.endpoint());
    let entrance = pair.client().source();
    assert_eq!(answer(entrance, &["ping"]), "PONG");
    assert_eq!(answer(entrance, &["set", "key", "value"]), "OK");
    assert_eq!(answer(redis.endpoint(), &["get", "key"]), "value");
    assert_eq!(answer(entrance, &["get", "key"]), "value");
}

#[test]
fn benchmark_runs() {
    benchmark(&[]);
}

#[test]
fn benchmark_runs_with_pipelining() {
    benchmark(&["-P", "16"]);
}

#[test]
fn encrypted_port_does_not_speak_redis() {
    let lab = Lab::new();
    let redis = Redis::start(&lab, &[]);
    // What it takes our nonce for is chance: it may wait for more of it.
    let server = Spiped::decrypt(&lab, redis.endpoint()).time_limit("2").start();
    let exit = Redis::cli(server.source(), &["ping"]);
    assert!(!text(&exit).contains("PONG"), "{exit:?}");
    assert_ne!(exit.code(), Some(0), "{exit:?}");
}

#[test]
fn replica_follows_its_primary() {
    let lab = Lab::new();
    let primary = Redis::start(&lab, &["--repl-diskless-sync-delay", "0"]);
    let mut pair = Pair::ours(&lab, primary.endpoint());
    let port = pair.client().source().port().to_string();
    let replica = Redis::start(&lab, &["--replicaof", "127.0.0.1", &port]);
    wait::until("the replica was in contact", || {
        answer(replica.endpoint(), &["info", "replication"]).contains("master_link_status:up")
    });
    assert_eq!(answer(primary.endpoint(), &["set", "key", "value"]), "OK");
    wait::until("the key had come over", || answer(replica.endpoint(), &["get", "key"]) == "value");
}

#[test]
fn demo_of_a_pipe_works() {
    demo("redis", "hello through the pipe");
}

#[test]
fn demo_of_an_upgrade_works() {
    demo("upgrade", "after the upgrade");
}

/// It checks what it shows.
#[track_caller]
fn demo(name: &str, shown: &str) {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../host/demo/demo.sh"));
    let programs = Program::Spiped.path(Origin::Ours);
    command.arg(name).env("BIN", programs.parent().unwrap()).stdin(Stdio::null());
    let exit = Process::spawn(command).wait();
    exit.expect_success();
    assert!(text(&exit).contains(shown), "{exit:?}");
}

#[track_caller]
fn benchmark(args: &[&str]) {
    let lab = Lab::new();
    let redis = Redis::start(&lab, &[]);
    let mut pair = Pair::ours(&lab, redis.endpoint());
    let common = ["-n", "5000", "-c", "50", "-t", "set,get", "-q"];
    let exit = Redis::benchmark(pair.client().source(), &[&common, args].concat());
    exit.expect_success();
    let report = text(&exit);
    for test in ["SET", "GET"] {
        assert!(report.contains(&format!("{test}: ")), "{report}");
    }
}

#[track_caller]
fn answer(endpoint: &Endpoint, args: &[&str]) -> String {
    let exit = Redis::cli(endpoint, args);
    exit.expect_success();
    text(&exit).trim_end().to_owned()
}

fn text(exit: &Exit) -> String {
    String::from_utf8_lossy(&exit.stdout).into_owned()
}
