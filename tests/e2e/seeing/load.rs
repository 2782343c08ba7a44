//! What is shown is true, whatever goes on meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::Value;
use spiped_tests::{Backend, Daemon, Ending, Lab, Spiped, wait};

use super::Seen;

#[test]
fn status_list_and_metrics_tell_the_truth_under_load() {
    under_load(20);
}

#[test]
#[ignore = "soak"]
fn status_list_and_metrics_tell_the_truth_under_much_load() {
    under_load(2000);
}

/// Each of some clients makes so many connections, while others look.
fn under_load(connections: u64) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let seen = Seen::start(&lab, Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "100"]));
    let client = Spiped::encrypt(&lab, seen.daemon.source()).start();
    let stranger = Spiped::encrypt(&lab, seen.daemon.source()).key(lab.other_key()).start();
    let (moved, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let (client, moved) = (&client, &moved);
                    move || {
                        for round in 0..connections {
                            let len = (round * 7919 + number) % 30_000 + 1;
                            exchange(client, len);
                            moved.fetch_add(len, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        let refused = scope.spawn(|| {
            (0..connections).for_each(|_| stranger.connect().expect_nothing_but(Ending::Reset));
        });
        let watcher = scope.spawn(|| {
            let mut earlier = seen.pipe();
            while !is_over.load(Ordering::Relaxed) {
                let now = seen.pipe();
                expect_growth(&earlier, &now);
                for connection in seen.list() {
                    assert!(connection["connection"].as_u64().unwrap() > 0, "{connection}");
                }
                assert_eq!(seen.get("/metrics").0, 200);
                earlier = now;
            }
        });
        clients.into_iter().chain([refused]).for_each(|thread| thread.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
    wait::until("all had ended", || seen.pipe()["open"] == 0);

    let (pipe, served) = (seen.pipe(), CLIENTS * connections);
    let moved = moved.into_inner();
    assert_eq!(pipe["accepted"], served + connections, "{pipe}");
    assert_eq!(pipe["ended"]["closed"], served, "{pipe}");
    assert_eq!(pipe["refused"]["wrong-key"], connections, "{pipe}");
    assert_eq!((&pipe["sent"], &pipe["received"]), (&moved.into(), &moved.into()));
    assert_eq!((&pipe["strangers"], &pipe["strangers-waiting"]), (&0.into(), &0.into()));
    assert!(seen.list().is_empty());
    for (name, expected) in [
        ("connections_accepted_total", served + connections),
        ("connections_open", 0),
        ("sent_bytes_total", moved),
        ("handshake_seconds_count", served),
        ("dial_seconds_count", served),
    ] {
        let name = format!("spiped_{name}{{pipe=\"{}\"}}", pipe["name"].as_str().unwrap());
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let expected = expected as f64;
        assert!((seen.metric(&name) - expected).abs() < 0.5, "{name}");
    }
}

fn exchange(client: &Daemon, len: u64) {
    let mut conn = client.connect();
    conn.expect_echo(vec![7; usize::try_from(len).unwrap()]);
    conn.half_close();
    assert_eq!(conn.receive_all(), b"");
}

/// No count is ever smaller than before, and none is more than all.
fn expect_growth(earlier: &Value, now: &Value) {
    let number = |pipe: &Value, name: &str| pipe[name].as_u64().unwrap();
    for name in ["accepted", "sent", "received"] {
        assert!(number(now, name) >= number(earlier, name), "{name}: {earlier}, {now}");
    }
    assert!(number(now, "open") <= number(now, "accepted"), "{now}");
    assert!(number(now, "strangers") <= number(now, "accepted"), "{now}");
}

const CLIENTS: u64 = 4;
