//! The component in Python, with `tests/hosts/python/`: what needs no peer of
//! Debian's. There is also the oracle, a second implementation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use spiped_tests::payload::bytes;
use spiped_tests::proc::is_listening;
use spiped_tests::wire::{Handshake, PACKET_LEN, Side};
use spiped_tests::{
    Backend, Conn, Ending, Endpoint, Exit, KEY, Lab, Process, RunningSpipe, Spiped, wait,
};

use crate::node::{differing, transcript};

#[test]
fn transcripts_replay_with_the_component() {
    replay(&[]);
}

#[test]
fn transcripts_replay_with_the_oracle() {
    replay(&["--oracle"]);
}

fn replay(args: &[&str]) {
    let lab = Lab::new();
    let mut command = script(&lab, "play.py");
    command.args(args).args(transcripts());
    run(command).expect_success();
}

pub(crate) fn transcripts() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    assert!(!files.is_empty());
    files.sort();
    files
}

#[test]
fn transcript_that_differs_is_reported_with_its_line() {
    let lab = Lab::new();
    let good = transcript();
    let mut command = script(&lab, "play.py");
    command.arg("--oracle").arg(lab.write("good", &good));
    let cases =
        [&differing(&good)[..], &[("unknown", format!("{good}begin\n= handshaking\n"), 11)]]
            .concat();
    for (name, transcript, _) in &cases {
        command.arg(lab.write(name, transcript));
    }
    let exit = run(command);
    for (name, _, line) in &cases {
        exit.expect_failure(&format!("/{name}:{line}: "));
    }
    assert_eq!(exit.stderr.lines().count(), cases.len(), "{}", exit.stderr);
}

#[test]
fn oracle_agrees_with_the_vectors() {
    let lab = Lab::new();
    run(script(&lab, "oracle.py")).expect_success();
}

#[test]
fn document_has_the_vectors() {
    expect_in_document("vectors.py", include_str!("../../../docs/protocol.md"));
}

/// As they follow from the types of the component.
#[test]
fn document_has_the_layouts_of_the_core_module() {
    expect_in_document("core_module.py", include_str!("../../../docs/core-module.md"));
}

fn expect_in_document(name: &str, document: &str) {
    let lab = Lab::new();
    let mut command = script(&lab, name);
    command.arg("--markdown");
    let exit = run(command);
    exit.expect_success();
    let tables = String::from_utf8(exit.stdout).unwrap();
    assert!(document.contains(&tables), "put this into the document:\n{tables}");
}

/// The same conversations in every run: a difference is no chance event, and
/// more of them, or others, are a matter of running `differential.py` by hand.
#[test]
fn component_does_as_the_oracle_1() {
    differ("1");
}

#[test]
fn component_does_as_the_oracle_2() {
    differ("2");
}

fn differ(seed: &str) {
    let lab = Lab::new();
    let mut command = script(&lab, "differential.py");
    command.args(["--seed", seed, "--count", "1500"]);
    let exit = run(command);
    assert_eq!(exit.code(), Some(0), "{}", String::from_utf8_lossy(&exit.stdout));
}

#[test]
fn client_and_server_exchange_data() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut link = RunningSpipe::start(client(&lab, &server.source, &[])).into_link();
    for size in [1, 1024, 1025, 5000] {
        link.expect_echo(bytes(1, size));
    }
    assert_eq!(link.finish(), b"");
}

#[test]
fn x25519_is_used_when_the_client_chooses_it() {
    for server_args in [&[][..], &["--kex", "x25519"]] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Server::start(&lab, backend.endpoint(), server_args);
        let client = client(&lab, &server.source, &["--kex", "x25519"]);
        let mut link = RunningSpipe::start(client).into_link();
        link.expect_echo(bytes(1, 5000));
        assert_eq!(link.finish(), b"");
    }
}

#[test]
fn x25519_is_the_same_to_our_daemon() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let daemon = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = client(&lab, daemon.source(), &["--kex", "x25519"]);
    let mut link = RunningSpipe::start(client).into_link();
    link.expect_echo(bytes(1, 5000));
    assert_eq!(link.finish(), b"");

    let server = Server::start(&lab, backend.endpoint(), &[]);
    let daemon = Spiped::encrypt(&lab, &server.source).args(&["--kex", "x25519"]).start();
    let mut link = daemon.connect().into_link();
    link.expect_echo(bytes(2, 5000));
    assert_eq!(link.finish(), b"");
}

/// Streams and sockets, between the package and itself.
#[test]
fn pipe_that_breaks_never_looks_like_one_that_has_ended() {
    let lab = Lab::new();
    run(script(&lab, "pipes.py")).expect_success();
}

#[test]
fn two_ends_make_a_key() {
    let lab = Lab::new();
    run(script(&lab, "pairing.py")).expect_success();
}

#[test]
fn component_that_breaks_down_or_lies_ends_its_session_alone() {
    let lab = Lab::new();
    run(script(&lab, "sandbox.py")).expect_success();
}

#[test]
fn server_with_x25519_alone_refuses_other_clients() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Server::start(&lab, backend.endpoint(), &["--kex", "x25519"]);
    run(client(&lab, &server.source, &[])).expect_failure("");
    server.process.wait_for_stderr("does not have our key");
    assert_eq!(backend.accepted(), 0);
}

#[test]
fn key_exchange_that_is_not_accepted_is_reported_when_the_client_or_the_time_is_gone() {
    for (client_limit, server_limit) in [("0.5", "30"), ("30", "0.5")] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let args = ["--kex", "modp2048", "-o", server_limit];
        let server = Server::start(&lab, backend.endpoint(), &args);
        let args = ["--kex", "x25519", "-o", client_limit];
        run(client(&lab, &server.source, &args)).expect_failure("");
        server.process.wait_for_stderr("uses x25519, which is not accepted here");
        assert_eq!(backend.accepted(), 0);
    }
}

#[test]
fn forged_packet_after_a_good_one_delivers_the_good_one() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    // Its input stays open: it must not wait for that.
    let mut spipe = RunningSpipe::start(client(&lab, backend.endpoint(), &[]));
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    let good = session.packet(b"good");
    session.conn.send([&good[..], &[0; PACKET_LEN]].concat());
    spipe.process.wait().expect_failure("a packet was forged");
    let mut link = spipe.into_link();
    assert_eq!(link.receive(4), b"good");
}

#[test]
fn truncated_packet_resets_the_target_and_the_peer() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut session = Handshake::begin(server.connect(), Side::Client, KEY).complete();
    session.send(b"whole");
    let mut target = backend.accept();
    assert_eq!(target.receive(5), b"whole");
    let half = session.packet(b"half");
    session.conn.send(&half[..100]);
    session.conn.half_close();
    target.expect_nothing_but(Ending::Reset);
    session.conn.expect_nothing_but(Ending::Reset);
    server.process.wait_for_stderr("the connection was truncated");
}

#[test]
fn stranger_reaches_no_target_and_the_next_client_does() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut stranger = server.connect();
    stranger.send([0; 320]);
    stranger.receive(32);
    stranger.expect_nothing_but(Ending::Reset);
    server.process.wait_for_stderr("does not have our key");
    assert_eq!(backend.accepted(), 0);
    let mut session = Handshake::begin(server.connect(), Side::Client, KEY).complete();
    session.send(b"echo");
    assert_eq!(session.receive(), b"echo");
}

#[test]
fn silent_server_is_given_up() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut command = script(&lab, "spiped_client.py");
    command.args(["-t", &backend.endpoint().to_string(), "-o", "0.5", "-k"]).arg(lab.key());
    run(command).expect_failure("timed out");
}

#[test]
fn bad_usage_and_refused_connections_are_failures() {
    let lab = Lab::new();
    run(client(&lab, &lab.tcp(), &[])).expect_failure("spiped_client: ");
    run(client(&lab, &lab.tcp(), &["-f", "-g"])).expect_failure("not allowed with");
    run(client(&lab, &lab.tcp(), &["-f", "--kex", "x25519"])).expect_failure("does not go with");
    run(client(&lab, &lab.tcp(), &["-s", "[127.0.0.1]:1"])).expect_failure("-d and -s");
}

/// `spiped_client.py` with the lab's key.
pub(crate) fn client(lab: &Lab, target: &Endpoint, args: &[&str]) -> Command {
    client_with(lab, &lab.key(), target, args)
}

/// `spiped_client.py` with a key file of our choice.
pub(crate) fn client_with(lab: &Lab, key: &Path, target: &Endpoint, args: &[&str]) -> Command {
    let mut command = script(lab, "spiped_client.py");
    command.args(["-t", &target.to_string(), "-o", "30", "-k"]).arg(key).args(args);
    command
}

/// A running `spiped_client.py -d`.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) source: Endpoint,
}

impl Server {
    /// With the lab's key, on a free port; returns when it listens.
    #[track_caller]
    pub(crate) fn start(lab: &Lab, target: &Endpoint, args: &[&str]) -> Self {
        let source = lab.tcp();
        let mut command = client(lab, target, &["-d", "-s", &source.to_string()]);
        command.args(args);
        let mut process = Process::spawn(command);
        wait::until("spiped_client.py listened", || {
            assert!(process.is_running(), "it ended instead");
            is_listening(&source)
        });
        Self { process, source }
    }

    #[track_caller]
    pub(crate) fn connect(&self) -> Conn {
        Conn::to(&self.source)
    }
}

/// Runs a program to its end, which may be minutes of computing away.
/// The names of pipes are what has to be escaped.
#[test]
fn metrics_are_read_by_the_official_client() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = Endpoint::Unix(lab.path("a\"b\"\\c"));
    let metrics = lab.tcp();
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&source);
    let server = server.args(&["--metrics", &metrics.to_string()]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"measured");
    let mut command = script(&lab, "metrics.py");
    command.arg(format!("http://127.0.0.1:{}/metrics", metrics.port()));
    let exit = run(command);
    exit.expect_success();
    let read = String::from_utf8(exit.stdout).unwrap();
    let pipe = format!("pipe='{source} -> {}'", backend.endpoint());
    for line in [
        format!("counter spiped_sent_bytes spiped_sent_bytes_total {pipe} 8"),
        format!("gauge spiped_connections_open spiped_connections_open {pipe} 1"),
        format!("histogram spiped_dial_seconds spiped_dial_seconds_count {pipe} 1"),
        "info spiped_build spiped_build_info version='0.1.0' 1".to_owned(),
    ] {
        assert!(read.lines().any(|other| other == line), "no {line:?} in\n{read}");
    }
}

fn run(command: Command) -> Exit {
    const LIMIT: Duration = Duration::from_mins(10);
    let start = Instant::now();
    let mut process = Process::spawn(command);
    while process.is_running() {
        assert!(start.elapsed() < LIMIT, "it runs for {LIMIT:?}");
        wait::observe(Duration::from_millis(10));
    }
    process.wait()
}

fn script(lab: &Lab, name: &str) -> Command {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = hosts.join("../../target/hosts/python/bin/python");
    assert!(python.is_file(), "{} is missing: run python/setup.sh", python.display());
    let mut command = Command::new(python);
    command.arg(hosts.join("python").join(name));
    command.current_dir(lab.directory()).stdin(Stdio::null());
    command
}
