//! A new key for a client, without a connection lost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Scope};

use spiped_tests::{Backend, Daemon, Ending, Lab, Spiped, key_called, wait};

use super::{Keys, expect_refusal, expect_service, reload};

#[test]
fn no_connection_fails_while_a_key_is_rotated_under_load() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["old", "other"]);
    let server = keys.server(backend.endpoint()).args(&["--close-revoked"]).start();
    // The client's key file, which is to change.
    let key = lab.write_key("client-key", key_called("old"));
    let client = Spiped::encrypt(&lab, server.source()).key(key);
    let client = client.args(&["--log-level", "info"]).start();
    let load = Load::default();
    thread::scope(|scope| {
        load.start(scope, &client);
        load.go_on();
        keys.add("new");
        reload(&server);
        for number in 0..10 {
            keys.add(&format!("another-{number}"));
            reload(&server);
            load.go_on();
        }
        lab.write_key("client-key", key_called("new"));
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
    /// How many each thread has come to the end of.
    ended: [AtomicUsize; THREADS],
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, client: &'scope Daemon) {
        for ended in &self.ended {
            scope.spawn(move || self.run(client, ended));
        }
    }

    fn run(&self, client: &Daemon, ended: &AtomicUsize) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut conn = client.connect();
            let echoed = conn.echoes(b"a short connection");
            conn.half_close();
            let closed = conn.receive_to_end() == (Vec::new(), Ending::Closed);
            if !(echoed && closed) {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every connection that is open now has ended, and each
    /// thread has had one that began after that.
    #[track_caller]
    fn go_on(&self) {
        let ended = || self.ended.each_ref().map(|count| count.load(Ordering::Relaxed));
        let before = ended();
        wait::until("more connections had come and gone", || {
            before.iter().zip(ended()).all(|(before, now)| now >= before + 2)
        });
    }
}
