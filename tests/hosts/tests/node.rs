//! The component in Node, with `tests/hosts/node/`: what needs no peer of
//! Debian's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spiped_tests::payload::bytes;
use spiped_tests::proc::is_listening;
use spiped_tests::wire::{Handshake, PACKET_LEN, Side};
use spiped_tests::{Backend, Conn, Ending, Endpoint, KEY, Lab, Process, RunningSpipe, wait};

#[test]
fn transcripts_replay() {
    let mut files: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    assert!(!files.is_empty());
    files.sort();
    let lab = Lab::new();
    let mut command = script(&lab, "play.mjs");
    command.args(files);
    Process::spawn(command).wait().expect_success();
}

#[test]
fn transcript_that_differs_is_reported_with_its_line() {
    let lab = Lab::new();
    let good = transcript();
    for (name, transcript, line) in differing(&good) {
        let mut command = script(&lab, "play.mjs");
        command.arg(lab.write("good.txt", &good)).arg(lab.write(name, transcript));
        let exit = Process::spawn(command).wait();
        exit.expect_failure(&format!("{name}:{line}: expected "));
        assert_eq!(exit.stderr.lines().count(), 1, "{}", exit.stderr);
    }
}

/// A client's, whose nonce is 32 times the same byte.
pub(crate) fn transcript() -> String {
    format!(
        "connect\nconfig: modp2048 omit\npsk: 32*00\nentropy: {}{}\n= made\n\n\
         # a comment\nstart\n> crypt 32*5a\n= handshaking\n",
        "5a".repeat(32),
        "11".repeat(32),
    )
}

/// The transcript with one difference each: its name, and the line that differs.
pub(crate) fn differing(good: &str) -> [(&'static str, String, usize); 12] {
    let digest = format!("32@{}", "00".repeat(32));
    let acceptor = format!("{good}acceptor\nconfig: any offer\nour-nonce: 32*00\n= made\n");
    [
        ("misuse", good.replace("psk: 32*00", "psk: 31*00"), 5),
        ("status", good.replace("handshaking", "wants-compute"), 10),
        ("bytes", good.replace("32*5a", "32*5b"), 9),
        ("length", good.replace("32*5a", "33*5a"), 9),
        ("digest", good.replace("32*5a", &digest), 9),
        ("missing", good.replace("> crypt", "#"), 10),
        ("more", good.replace("= hand", "> plain 00\n= hand"), 10),
        ("no-answer", format!("{good}psk-id\n"), 11),
        ("psk-id", format!("{good}psk-id\n= none\n"), 12),
        ("failure", format!("{good}compute\n= failed misuse start-order\n"), 12),
        ("verdict", format!("{acceptor}identify 32*01\n= more 63\n"), 16),
        ("fault", format!("{acceptor}fault-at-eof\n= fault wrong-key\n"), 16),
    ]
}

#[test]
fn x25519_is_used_when_the_client_chooses_it() {
    for server_args in [&[][..], &["--kex", "x25519"]] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Server::start(&lab, backend.endpoint(), server_args);
        let mut link = x25519_client(&lab, &server).into_link();
        link.expect_echo(bytes(1, 5000));
        assert_eq!(link.finish(), b"");
    }
}

#[test]
fn x25519_without_its_end_mark_is_a_failure() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut link = x25519_client(&lab, &server).into_link();
    link.expect_echo(b"echo");
    drop(server);
    link.child.unwrap().wait().expect_failure("truncated-before-end-mark");
}

#[test]
fn key_exchange_that_is_not_accepted_is_reported_when_the_client_or_the_time_is_gone() {
    for (client_limit, server_limit) in [("0.5", "30"), ("30", "0.5")] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let args = ["--kex", "modp2048", "-o", server_limit];
        let server = Server::start(&lab, backend.endpoint(), &args);
        let args = ["--kex", "x25519", "-o", client_limit];
        Process::spawn(client(&lab, &lab.key(), &server.source, &args)).wait().expect_failure("");
        server.process.wait_for_stderr("key-exchange-not-accepted");
        assert_eq!(backend.accepted(), 0);
    }
}

fn x25519_client(lab: &Lab, server: &Server) -> RunningSpipe {
    RunningSpipe::start(client(lab, &lab.key(), &server.source, &["--kex", "x25519"]))
}

#[test]
fn bad_usage_is_a_failure() {
    let lab = Lab::new();
    for (args, problem) in [
        (&["--kex", "other"][..], "no key exchange"),
        (&["-f", "--kex", "x25519"], "does not go with"),
    ] {
        let command = client(&lab, &lab.key(), &lab.tcp(), args);
        Process::spawn(command).wait().expect_failure(problem);
    }
}

#[test]
fn forged_packet_after_a_good_one_delivers_the_good_one() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Process::spawn(client(&lab, &lab.key(), backend.endpoint(), &[]));
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    let good = session.packet(b"good");
    session.conn.send([&good[..], &[0; PACKET_LEN]].concat());
    let exit = spipe.wait();
    exit.expect_failure("forged-packet 1");
    assert_eq!(exit.stdout, b"good");
}

#[test]
fn impossible_length_is_reported() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Process::spawn(client(&lab, &lab.key(), backend.endpoint(), &[]));
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    let packet = session.packet_declaring(1025, b"");
    session.conn.send(packet);
    spipe.wait().expect_failure("bad-length 0: 1025");
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
    server.process.wait_for_stderr("truncated-in-packet");
}

#[test]
fn stranger_reaches_no_target_and_the_next_client_does() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut stranger = server.connect();
    stranger.send([0; 320]);
    stranger.receive(32);
    stranger.expect_nothing_but(Ending::Closed);
    server.process.wait_for_stderr("wrong-key");
    assert_eq!(backend.accepted(), 0);
    let mut session = Handshake::begin(server.connect(), Side::Client, KEY).complete();
    session.send(b"echo");
    assert_eq!(session.receive(), b"echo");
}

#[test]
fn reset_by_the_target_reaches_the_peer() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Server::start(&lab, backend.endpoint(), &[]);
    let mut session = Handshake::begin(server.connect(), Side::Client, KEY).complete();
    backend.accept().reset();
    session.conn.expect_nothing_but(Ending::Reset);
}

#[test]
fn silent_server_is_given_up() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Process::spawn(client(&lab, &lab.key(), backend.endpoint(), &["-o", "0.5"]));
    let mut silent = backend.accept();
    spipe.wait().expect_failure("timed-out");
    silent.receive_to_end();
}

#[test]
fn refused_connection_is_reported() {
    let lab = Lab::new();
    let mut spipe = Process::spawn(client(&lab, &lab.key(), &lab.tcp(), &[]));
    spipe.wait().expect_failure("ECONNREFUSED");
}

/// `spipe.mjs`, with a time limit that no handshake reaches on a loaded
/// machine; a later argument replaces an earlier one.
pub(crate) fn client(lab: &Lab, key: &Path, target: &Endpoint, args: &[&str]) -> Command {
    let mut command = script(lab, "spipe.mjs");
    command.args(["-t", &target.to_string(), "-o", "30", "-k"]).arg(key).args(args);
    command
}

/// A running `spiped-server.mjs`.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) source: Endpoint,
}

impl Server {
    /// With the lab's key, on a free port; returns when it listens.
    #[track_caller]
    pub(crate) fn start(lab: &Lab, target: &Endpoint, args: &[&str]) -> Self {
        let source = lab.tcp();
        let mut command = script(lab, "spiped-server.mjs");
        command.args(["-s", &source.to_string(), "-t", &target.to_string()]);
        command.args(["-o", "30", "-k"]).arg(lab.key()).args(args);
        let mut process = Process::spawn(command);
        wait::until("spiped-server.mjs listened", || {
            assert!(process.is_running(), "it ended instead");
            is_listening(&source)
        });
        Self { process, source }
    }

    #[track_caller]
    fn connect(&self) -> Conn {
        Conn::to(&self.source)
    }
}

fn script(lab: &Lab, name: &str) -> Command {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = hosts.join("../../target/hosts/node/node_modules/spiped-pipe");
    assert!(package.is_dir(), "{} is missing: run node/setup.sh", package.display());
    let path: PathBuf = hosts.join("node").join(name);
    let mut command = Command::new("node");
    command.arg(path).current_dir(lab.directory()).stdin(Stdio::null());
    command
}
