//! The embedding example against Debian's `spiped -d`.

use std::path::Path;
use std::process::Command;

use spiped_tests::payload::{Transfer, bytes};
use spiped_tests::{Backend, Daemon, Lab, Link, Origin, Process, RunningSpipe, Spiped};

#[test]
fn every_size_comes_back() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let mut link = embed(&server, &lab.key());
    for size in [1, 1023, 1024, 1025, 100_000] {
        link.expect_echo(bytes(1, size));
    }
    assert_eq!(link.finish(), b"");
}

#[test]
fn more_than_all_buffers_hold_comes_back() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let Link { reader, writer, child } = embed(&server, &lab.key());
    Transfer::start(writer, reader, 16 << 20).check();
    child.unwrap().wait().expect_success();
}

#[test]
fn ends_when_the_target_does() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut link = embed(&server, &lab.key());
    let mut target = backend.accept();
    target.send(b"greeting");
    drop(target);
    assert_eq!(link.receive(8), b"greeting");
    // Its standard input is still open.
    link.child.unwrap().wait().expect_success();
}

#[test]
fn wrong_key_is_a_failure() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let exit = Process::spawn(command(&server, &lab.other_key())).wait();
    exit.expect_failure("TruncatedInHandshake");
}

fn server(lab: &Lab, backend: &Backend) -> Daemon {
    Spiped::decrypt(lab, backend.endpoint()).of(Origin::Debian).start()
}

fn embed(server: &Daemon, key: &Path) -> Link {
    RunningSpipe::start(command(server, key)).into_link()
}

fn command(server: &Daemon, key: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embed"));
    command.arg(format!("localhost:{}", server.source().port())).arg(key);
    command
}
