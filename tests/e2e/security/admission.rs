//! Strangers that are many: nobody who has the key waits for them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spiped_tests::{Backend, Conn, Crowd, Daemon, Ending, Lab, Manner, Spiped, procfs, wait};

/// Who attacks. The one who has the key comes from 127.0.0.1.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
const SAME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[test]
fn silence_of_another_source_delays_nobody() {
    let test = Test::start(1, &[]);
    let _crowd = test.crowd(ELSEWHERE, Manner::Silent, 400);
    test.twenty_newcomers_get_in();
}

#[test]
fn silence_of_ones_own_source_delays_nobody() {
    let test = Test::start(1, &[]);
    let _crowd = test.crowd(SAME, Manner::Silent, 400);
    test.twenty_newcomers_get_in();
}

#[test]
fn silence_of_many_sources_delays_nobody() {
    let test = Test::start(1, &[]);
    let _crowds: Vec<_> = (1..=40)
        .map(|number| test.crowd([127, 0, 66, number].into(), Manner::Silent, 20))
        .collect();
    test.twenty_newcomers_get_in();
}

#[test]
fn garbage_against_many_keys_delays_nobody() {
    let test = Test::start(1024, &[]);
    let _crowd = test.crowd(ELSEWHERE, Manner::Garbage, 600);
    test.twenty_newcomers_get_in();
}

#[test]
fn bytes_that_trickle_in_delay_nobody() {
    let test = Test::start(1, &[]);
    let _crowd = test.crowd(SAME, Manner::Trickling, 200);
    test.twenty_newcomers_get_in();
}

#[test]
fn source_that_fills_the_list_of_those_that_wait_sends_nobody_away() {
    // Descriptors for few that wait.
    let test = Test::start_under(&["prlimit", "--nofile=400:400"], 1, &["-n", "50"]);
    let _crowd = test.crowd(ELSEWHERE, Manner::Halfway, 600);
    test.server.process.wait_for_stderr("more strangers than places");
    test.twenty_newcomers_get_in();
}

#[test]
fn flood_leaves_nothing_behind() {
    let test = Test::start(1, &["--handshakes", "8"]);
    let descriptors = || procfs::open_descriptors(test.server.process.pid());
    let before = descriptors();
    let crowd = test.crowd(ELSEWHERE, Manner::Silent, 100);
    test.server.process.wait_for_stderr("more strangers than places (--handshakes 8, 4 for each");
    drop(crowd);
    // The listener may have kept one or another for itself.
    wait::until("all descriptors were back", || descriptors() <= before + 2);
    test.expect_nobody_left();
}

#[test]
fn established_connections_outlive_a_flood() {
    let test = Test::start(1, &[]);
    let mut established = test.client.connect();
    established.expect_echo(b"before");
    let _crowds = [Manner::Silent, Manner::Trickling, Manner::Garbage]
        .map(|manner| test.crowd(ELSEWHERE, manner, 200));
    for _ in 0..20 {
        established.expect_echo(b"during");
    }
}

#[test]
fn only_allowed_networks_are_listened_to() {
    for (allowed, from_here, from_elsewhere) in [
        (&["--allow", "127.0.0.0/26"][..], true, false),
        (&["--allow", "127.0.0.66"], false, true),
        (&["--allow", "192.0.2.0/24", "--allow", "127.0.0.0/8"], true, true),
    ] {
        let test = Test::start(1, allowed);
        assert_eq!(listens_to(&test.server, SAME), from_here, "{allowed:?}");
        assert_eq!(listens_to(&test.server, ELSEWHERE), from_elsewhere, "{allowed:?}");
    }
}

#[test]
fn drain_sends_strangers_away_at_once_and_keeps_connections() {
    let test = Test::start(1, &["--handshakes", "4"]);
    let mut established = test.client.connect();
    established.expect_echo(b"before");
    // Some have a place, the others wait for one.
    let mut strangers: Vec<_> = (0..8).map(|_| test.server.connect()).collect();
    strangers[0].receive(32);
    let began = Instant::now();
    kill(Pid::from_raw(test.server.process.pid()), Signal::SIGTERM).unwrap();
    for stranger in &mut strangers {
        let _: (Vec<u8>, Ending) = stranger.receive_to_end();
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    established.expect_echo(b"after");
}

#[test]
fn nonsense_is_refused() {
    let lab = Lab::new();
    let server = || Spiped::decrypt(&lab, &lab.tcp());
    let client = Spiped::encrypt(&lab, &lab.tcp());
    server().args(&["--allow", "example.org"]).run().expect_failure("Not a network");
    server().args(&["--handshakes", "0"]).run().expect_failure("out of range");
    server().args(&["--threads", "0"]).run().expect_failure("out of range");
    for option in ["--handshakes", "--handshakes-per-source"] {
        client.clone().args(&[option, "5"]).run().expect_failure("is only for -d");
    }
}

mod long {
    use super::*;

    #[test]
    #[ignore = "soak"]
    fn everything_at_once_for_a_minute_delays_nobody() {
        for keys in [1, 1024] {
            let test = Test::start(keys, &[]);
            let crowds = [
                test.crowd(ELSEWHERE, Manner::Silent, 3000),
                test.crowd(ELSEWHERE, Manner::Trickling, 600),
                test.crowd(ELSEWHERE, Manner::Garbage, 500),
            ];
            let began = Instant::now();
            while began.elapsed() < Duration::from_mins(1) {
                test.twenty_newcomers_get_in();
            }
            drop(crowds);
            test.expect_nobody_left();
        }
    }
}

struct Test {
    server: Daemon,
    client: Daemon,
    _backend: Backend,
    _lab: Lab,
}

impl Test {
    /// A server with so many keys, of which the client has one.
    fn start(keys: usize, args: &[&str]) -> Self {
        Self::start_under(&[], keys, args)
    }

    /// As [`start`](Self::start), with the server started by `wrapper`.
    fn start_under(wrapper: &[&str], keys: usize, args: &[&str]) -> Self {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        fs::create_dir(lab.path("keys")).unwrap();
        for number in 0..keys {
            lab.write_key(&format!("keys/{number}"), format!("key number {number}"));
        }
        let server = Spiped::decrypt(&lab, backend.endpoint()).key("keys").args(args);
        let server = server.under(wrapper).time_limit("5").start();
        let client = Spiped::encrypt(&lab, server.source());
        let client = client.key(format!("keys/{}", keys / 2)).start();
        Self { server, client, _backend: backend, _lab: lab }
    }

    fn crowd(&self, from: IpAddr, manner: Manner, count: usize) -> Crowd {
        Crowd::start(self.server.source(), from, manner, count)
    }

    /// One after the other, each soon.
    fn twenty_newcomers_get_in(&self) {
        for number in 0..20 {
            let began = Instant::now();
            self.client.connect().expect_echo(b"let me in");
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "newcomer {number}: {took:?}");
        }
    }

    /// The server counts no connection as open.
    fn expect_nobody_left(&self) {
        wait::until("the server counted none as open", || {
            kill(Pid::from_raw(self.server.process.pid()), Signal::SIGUSR1).unwrap();
            wait::observe(Duration::from_millis(50));
            let log = self.server.process.stderr();
            log.lines()
                .rev()
                .find(|line| line.contains(" open="))
                .is_some_and(|line| line.contains(" open=0 "))
        });
    }
}

/// Whether it greets a stranger from there.
fn listens_to(server: &Daemon, from: IpAddr) -> bool {
    let mut conn = Conn::to_from(server.source(), from);
    conn.send([0; 320]);
    conn.receive_to_end().0.len() == 32
}
