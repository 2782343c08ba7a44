//! `--log-format json`: an object a line.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use spiped_tests::{Backend, Daemon, Ending, Lab, Spiped, wait};

use super::send_garbage;

#[test]
fn every_line_is_an_object_that_says_the_same_as_the_text() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=key");
    let server = server.args(&["--log-format", "json", "--log-level", "debug"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"hello");
    conn.half_close();
    conn.expect_nothing_but(Ending::Closed);
    send_garbage(&server);

    let closed = event(&server, "closed");
    assert_eq!(closed["level"], "info");
    assert_eq!(closed["program"], "spiped");
    assert_eq!(closed["pid"], server.process.pid());
    assert_eq!(closed["class"], "key-holder");
    assert_eq!(closed["pipe"], format!("{} -> {}", server.source(), backend.endpoint()));
    assert_eq!(closed["key"], "alice");
    assert_eq!(closed["message"], "closed: 5 bytes sent, 5 bytes received");
    assert_eq!((&closed["sent"], &closed["received"]), (&5.into(), &5.into()));
    assert!(closed["seconds"].as_f64().unwrap() < Duration::from_mins(1).as_secs_f64());

    let refused = event(&server, "refused-wrong-key");
    assert_eq!((&refused["level"], &refused["class"]), (&"warn".into(), &"stranger".into()));
    assert!(refused["peer"].as_str().unwrap().starts_with("[127.0.0.1]:"));
    assert_ne!(refused["connection"], closed["connection"]);

    let accepted = lines(&server)
        .into_iter()
        .find(|line| line["event"] == "accepted" && line["connection"] == closed["connection"]);
    assert_eq!(accepted.unwrap()["peer"], closed["peer"]);
}

#[test]
fn counters_are_fields() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=key");
    let server = server.args(&["--log-format", "json"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"hello");
    server.process.signal(Signal::SIGUSR1);
    for key in [Value::Null, "alice".into()] {
        let told = wait::until_some("the counters were told", || {
            let mut lines = lines(&server).into_iter();
            lines.find(|line| line["event"] == "answer" && line["key"] == key)
        });
        let counters = &told["counters"];
        assert_eq!((&counters["accepted"], &counters["open"]), (&1.into(), &1.into()), "{told}");
        assert_eq!((&counters["sent"], &counters["refused-wrong-key"]), (&5.into(), &0.into()));
        assert_eq!(told["pipe"], format!("{} -> {}", server.source(), backend.endpoint()));
    }
}

#[test]
fn errors_at_the_start_are_objects_too() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("missing").args(&["--log-format", "json"]);
    let exit = spiped.spawn().wait();
    let line: Value = serde_json::from_str(&exit.stderr).unwrap();
    assert_eq!(line["level"], "error");
    assert!(line["message"].as_str().unwrap().contains("Cannot open file: missing"), "{line}");
}

/// Waits for the first line about such an event.
#[track_caller]
fn event(daemon: &Daemon, name: &str) -> Value {
    wait::until_some(&format!("there was a line about {name}"), || {
        lines(daemon).into_iter().find(|line| line["event"] == name)
    })
}

#[track_caller]
fn lines(daemon: &Daemon) -> Vec<Value> {
    let log = daemon.process.stderr();
    // The last one may not be there to its end.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    whole.lines().map(parse).collect()
}
