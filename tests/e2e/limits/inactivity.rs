//! `--idle-timeout`, `--half-closed-timeout`, `--user-timeout`: connections on which
//! nothing happens.

use std::time::{Duration, Instant};

use spiped_tests::{Backend, Ending, Lab, LineUp, Pair, wait};

/// Long enough to tell from no limit, and for a session to fall asleep first.
const LIMIT: &str = "3";
const SECONDS: Duration = Duration::from_secs(3);

#[test]
fn idle_connection_is_reset_on_both_sides() {
    let (lab, backend, pair) = start(&["--idle-timeout", LIMIT]);
    let mut application = pair.connect();
    let start = Instant::now();
    application.send(b"hello");
    let mut target = backend.accept();
    assert_eq!(target.receive(5), b"hello");
    assert_eq!(application.expect_end_without_data(), Ending::Reset);
    target.expect_nothing_but(Ending::Reset);
    let took = start.elapsed();
    assert!((SECONDS..2 * SECONDS).contains(&took), "{took:?}");
    let log = "reset: no data for 3 s (--idle-timeout); 0 bytes sent, 5 bytes received";
    pair.server.process.wait_for_stderr(log);
    drop(lab);
}

#[test]
fn every_byte_either_way_keeps_an_idle_connection() {
    let (lab, backend, pair) = start(&["--idle-timeout", LIMIT]);
    let mut application = pair.connect();
    application.send(b"first");
    let mut target = backend.accept();
    target.receive(5);
    let start = Instant::now();
    while start.elapsed() < SECONDS + Duration::from_secs(1) {
        wait::observe(Duration::from_millis(700));
        application.send(b"a");
        assert_eq!(target.receive(1), b"a");
        wait::observe(Duration::from_millis(700));
        target.send(b"b");
        assert_eq!(application.receive(1), b"b");
    }
    drop(lab);
}

#[test]
fn connection_without_limits_stays() {
    let (lab, backend, pair) = start(&[]);
    let mut application = pair.connect();
    application.send(b"first");
    let mut target = backend.accept();
    target.receive(5);
    application.half_close();
    assert!(application.is_silent_for(SECONDS + Duration::from_secs(1)));
    target.send(b"still there");
    assert_eq!(application.receive(11), b"still there");
    drop(lab);
}

#[test]
fn half_closed_connection_has_a_limit_of_its_own() {
    let (lab, backend, pair) = start(&["--half-closed-timeout", LIMIT]);
    let mut whole = pair.connect();
    whole.send(b"whole");
    let mut whole_target = backend.accept();
    whole_target.receive(5);
    let mut half = pair.connect();
    half.send(b"half");
    let mut target = backend.accept();
    target.receive(4);
    wait::observe(SECONDS);
    // The time begins with the end of the direction.
    let start = Instant::now();
    half.half_close();
    assert_eq!(target.expect_end_without_data(), Ending::Closed);
    assert_eq!(half.expect_end_without_data(), Ending::Reset);
    assert!((SECONDS..2 * SECONDS).contains(&start.elapsed()), "{:?}", start.elapsed());
    pair.server.process.wait_for_stderr("(--half-closed-timeout)");
    whole.send(b"both ways");
    assert_eq!(whole_target.receive(9), b"both ways");
    drop(lab);
}

/// The kernel's own limit: as long as a reader takes nothing, however alive it is.
#[test]
fn reader_that_stands_still_is_reset_after_the_user_timeout() {
    let lab = Lab::new();
    let backend = Backend::narrow(&lab);
    let args = ["--log-level", "info", "--user-timeout", "1"];
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &args);
    let mut application = pair.connect();
    application.send(b"first");
    let target = backend.accept();
    assert!(application.send_until_stuck(vec![0; 64 << 20]) > 0);
    pair.server.process.wait_for_stderr("plain side: Connection timed out");
    drop((target, lab));
}

fn start(args: &[&str]) -> (Lab, Backend, Pair) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let args = [&["--log-level", "info"], args].concat();
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &args);
    (lab, backend, pair)
}
