//! A new key for a client, without a connection lost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use spiped_tests::{Backend, Daemon, Lab, Spiped, wait};

use super::{Keys, expect_refusal, expect_service, reload};

#[test]
fn no_connection_fails_while_a_key_is_rotated_under_load() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["old", "other"]);
    let server = keys.server(backend.endpoint()).args(&["--close-revoked"]).start();
    // The client's key file, which is to change.
    let key = lab.write_key("client-key", "old");
    let client = Spiped::encrypt(&lab, server.source()).key(key);
    let client = client.args(&["--log-level", "info"]).start();
    let load = Load::default();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| load.run(&client));
        }
        load.go_on();
        keys.add("new");
        reload(&server);
        for number in 0..10 {
            keys.add(&format!("another-{number}"));
            reload(&server);
            load.go_on();
        }
        lab.write_key("client-key", "new");
        reload(&client);
        // All that began with the old key have ended.
        load.go_on();
        keys.remove("old");
        reload(&server);
        load.go_on();
        load.stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(load.failed.into_inner(), 0);
    let log = server.process.stderr();
    assert!(log.contains(": key old: closed: ") && log.contains(": key new: closed: "), "{log}");
    assert!(!log.contains("refused") && !log.contains("reset"), "{log}");
    expect_service(&client);
    expect_refusal(&keys.client(&server, "old"));
}

const THREADS: usize = 4;

/// Short connections, one after the other, on several threads.
#[derive(Default)]
struct Load {
    served: AtomicUsize,
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    fn run(&self, client: &Daemon) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut conn = client.connect();
            let echoed = conn.echoes(b"a short connection");
            conn.half_close();
            let ended = conn.receive_to_end() == (Vec::new(), spiped_tests::Ending::Closed);
            let counter = if echoed && ended { &self.served } else { &self.failed };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every connection that is open now has ended.
    #[track_caller]
    fn go_on(&self) {
        let done = || self.served.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed);
        // Each thread may finish one that began before and one that began
        // after; more than that, and the slowest is past its first.
        let goal = done() + 8 * THREADS;
        wait::until("more connections had come and gone", || done() >= goal);
    }
}
