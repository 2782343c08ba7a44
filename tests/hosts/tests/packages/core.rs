//! The crate: `spiped-core`, and its example of both ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use spiped_host_tests::{packed, target};
use spiped_tests::payload::{Transfer, bytes};
use spiped_tests::procfs::is_listening;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{
    Backend, Conn, Daemon, Ending, Endpoint, KEY, Lab, Newcomer, Origin, Process, Spiped, wait,
};

/// With the example as the tests have built it: to build it again takes longer than all
/// the rest. What it is built of is the same, as the next test says.
#[test]
fn crate_does_what_its_readme_says() {
    let example = format!("install -D {} target/debug/examples/pipe", example().display());
    follow_readme(&example);
}

#[test]
fn crate_has_all_that_it_is_built_of() {
    let lab = Lab::empty();
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(packed("spiped-core-VERSION.crate")).current_dir(lab.directory());
    Process::spawn(tar).wait().expect_success();
    let [unpacked] = &files(lab.directory())[..] else { panic!("one folder") };
    for folder in ["src", "wit", "examples"] {
        let mut differ = Command::new("diff");
        differ.arg("-r").arg(target("../core-wasm").join(folder)).arg(unpacked.join(folder));
        Process::spawn(differ).wait().expect_success();
    }
    assert!(unpacked.join("LICENSE").is_file());
    // It depends on nothing that is only here.
    let manifest = fs::read_to_string(unpacked.join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("path = \"../") && !manifest.contains("workspace = true"),
        "{manifest}"
    );
}

#[test]
#[ignore = "soak"]
fn crate_is_built_from_what_is_in_it() {
    // What it needs is here: the project was built.
    follow_readme("cargo build --offline --example pipe");
}

#[track_caller]
fn follow_readme(build: &str) {
    let mut newcomer = Newcomer::reading("core-wasm/README.md")
        .given(&packed("spiped-core-VERSION.crate"))
        .replacing("cargo build --example pipe", build);
    for port in [7000, 7001, 7002, 8025, 8026] {
        newcomer = newcomer.replacing_port(port);
    }
    for heading in ["Get it", "A client", "A server"] {
        newcomer.does(heading);
    }
    newcomer.has_done_all_but(&["In your program"]);
}

#[test]
fn example_carries_both_directions_to_and_from_debian() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let debian = server(&lab, &backend);
    let client = Pipe::start(&lab, "-e", &lab.key(), debian.source());
    let server = Pipe::start(&lab, "-d", &lab.key(), backend.endpoint());
    let debian = Spiped::encrypt(&lab, &server.source).of(Origin::Debian).start();
    for entrance in [&client.source, debian.source()] {
        let mut link = Conn::to(entrance).into_link();
        link.expect_echo(bytes(1, 5000));
        // The answer to the half-close is the rest, and then an end.
        assert_eq!(link.finish(), b"");
        let bulk = Conn::to(entrance).into_link();
        Transfer::start(bulk.writer, bulk.reader, 8 << 20).check();
    }
}

#[test]
fn example_resets_the_application_if_the_key_is_wrong() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let debian = server(&lab, &backend);
    let client = Pipe::start(&lab, "-e", &lab.other_key(), debian.source());
    Conn::to(&client.source).expect_nothing_but(Ending::Reset);
    client.process.wait_for_stderr("truncated in the handshake");
}

#[test]
fn example_tells_the_target_of_a_truncated_packet_by_a_reset() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Pipe::start(&lab, "-d", &lab.key(), backend.endpoint());
    let mut session = Handshake::begin(Conn::to(&server.source), Side::Client, KEY).complete();
    session.send(b"whole");
    let mut target = backend.accept();
    assert_eq!(target.receive(5), b"whole");
    let half = session.packet(b"half");
    session.conn.send(&half[..100]);
    session.conn.half_close();
    target.expect_nothing_but(Ending::Reset);
    server.process.wait_for_stderr("truncated in a packet");
}

#[test]
fn example_keeps_strangers_from_the_target() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Pipe::start(&lab, "-d", &lab.key(), backend.endpoint());
    let mut stranger = Conn::to(&server.source);
    stranger.send([0; 320]);
    stranger.receive(32);
    stranger.expect_nothing_but(Ending::Reset);
    server.process.wait_for_stderr("wrong key");
    assert_eq!(backend.accepted(), 0);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn server(lab: &Lab, backend: &Backend) -> Daemon {
    Spiped::decrypt(lab, backend.endpoint()).of(Origin::Debian).start()
}

/// The example, running.
struct Pipe {
    process: Process,
    source: Endpoint,
}

impl Pipe {
    #[track_caller]
    fn start(lab: &Lab, mode: &str, key: &Path, target: &Endpoint) -> Self {
        let source = lab.tcp();
        let address = |endpoint: &Endpoint| format!("127.0.0.1:{}", endpoint.port());
        let mut command = Command::new(example());
        command.arg(mode).arg(key).args([address(&source), address(target)]);
        command.current_dir(lab.directory()).stdin(Stdio::null());
        let mut process = Process::spawn(command);
        wait::until("the example listened", || {
            assert!(process.is_running(), "it ended instead");
            is_listening(&source)
        });
        Self { process, source }
    }
}

/// Beside what tests were built with: cargo builds examples with them.
fn example() -> PathBuf {
    target("checked/examples/pipe").canonicalize().expect("cargo has built the example")
}
