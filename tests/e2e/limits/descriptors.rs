//! No file descriptors left: connections wait, the daemon lives.

use std::process::Command;
use std::time::{Duration, Instant};

use spiped_tests::{Backend, Conn, Daemon, Lab, Pair, Spiped, procfs, wait};

#[test]
fn running_out_while_accepting_is_survived() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-n", "0"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut established = client.connect();
    established.expect_echo(b"before");
    take_descriptors(&server);

    let since = Instant::now();
    let crowd: Vec<_> = (0..80).map(|_| server.connect()).collect();
    server.process.wait_for_stderr(EMFILE);
    wait::observe(Duration::from_secs(2));
    let lines = server.process.stderr().matches(EMFILE).count();
    let seconds = since.elapsed().as_secs() + 1;
    assert!(lines as u64 <= seconds, "{lines} lines in {seconds} s");
    established.expect_echo(b"during");

    drop(crowd);
    client.connect().expect_echo(b"after");
    established.expect_echo(b"and the old one");
    assert!(server.process.is_running());
}

#[test]
fn running_out_while_dialling_is_survived() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let mut client = Spiped::encrypt(&lab, server.source()).args(&["-n", "0"]).start();
    take_descriptors(&client);
    let crowd: Vec<_> = (0..80).map(|_| client.connect()).collect();
    client.process.wait_for_stderr(EMFILE);
    drop(crowd);
    wait::until("a new connection worked", || client.connect().echoes(b"after"));
    assert!(client.process.is_running());
}

#[test]
fn none_are_lost_however_connections_end() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let pids = [pair.client().process.pid(), pair.server.process.pid()];
    let open = || pids.map(procfs::open_descriptors);
    use_up(&pair);
    wait::until("the first connections had ended", || open().iter().all(|count| *count < 40));
    let before = open();
    for _ in 0..5 {
        use_up(&pair);
    }
    // The programs may open one or another for themselves.
    let allowed = before.map(|count| count + 5);
    wait::until(&format!("at most {allowed:?} were open"), || {
        open().iter().zip(&allowed).all(|(now, allowed)| now <= allowed)
    });
}

/// Ten connections for each way to end one.
fn use_up(pair: &Pair) {
    let ends: [fn(Conn); 4] = [
        drop,
        Conn::reset,
        |mut conn| conn.expect_echo(b"established"),
        |mut conn| {
            conn.expect_echo(b"established");
            conn.reset();
        },
    ];
    for end in ends {
        let conns: Vec<_> = (0..10).map(|_| pair.connect()).collect();
        conns.into_iter().for_each(end);
        // Strangers, too.
        let strangers: Vec<_> = (0..10).map(|_| pair.server.connect()).collect();
        strangers.into_iter().take(5).for_each(Conn::reset);
    }
}

/// Leaves few, but enough for a daemon and several connections: what it computed
/// at its start no longer holds.
#[track_caller]
fn take_descriptors(daemon: &Daemon) {
    let pid = daemon.process.pid().to_string();
    let taken = Command::new("prlimit").args(["--pid", &pid, "--nofile=40:40"]).status();
    assert!(taken.unwrap().success());
}

const EMFILE: &str = "Too many open files";
