//! What `docs/wasi.md` says, done from its text, in wasmtime and in Node.

use std::path::Path;
use std::process::Command;

use spiped_host_tests::target;
use spiped_tests::payload::Transfer;
use spiped_tests::procfs::is_listening;
use spiped_tests::{
    Backend, Conn, Endpoint, Lab, Newcomer, Origin, Process, RunningSpipe, Spiped as Native, wait,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn newcomer_does_what_the_page_says() {
    let mut newcomer = newcomer();
    newcomer.does("Try it");
    newcomer.does("In Kubernetes");
    let validate = target("hosts/python/bin/kubernetes-validate");
    let mut command = Command::new(validate);
    command.args(["--strict", "--no-warn", "--kubernetes-version", "1.34"]);
    command.arg(newcomer.lab().path("spiped.yaml"));
    Process::spawn(command).wait().expect_success();
    // The first builds it, the second has a test of its own, the last is for a host
    // that is not here.
    newcomer.has_done_all_but(&["Get it", "In Node", "In wasmCloud"]);
}

/// In all three roles. That host once closed both directions when one ended.
#[test]
fn program_in_node_carries_whole_streams() {
    let jco = target("hosts/node/node_modules/@bytecodealliance/jco");
    let installed = format!(
        "mkdir -p node_modules/.bin node_modules/@bytecodealliance && cd node_modules && \
         ln -s {jco} {jco}/node_modules/@bytecodealliance/preview2-shim @bytecodealliance && \
         ln -s {jco}/dist/jco.js .bin/jco && cd ..",
        jco = jco.canonicalize().expect("run tests/hosts/node/setup.sh").display()
    );
    let mut newcomer = newcomer().replacing(
        "npm install @bytecodealliance/jco@1.35.0 @bytecodealliance/preview2-shim@0.26.1",
        &installed,
    );
    newcomer.does("Try it");
    newcomer.does("In Node");

    let lab = newcomer.lab();
    let backend = Backend::manual(lab);
    let target = backend.endpoint();
    let ours = start(lab, "-d", target);
    let theirs = Native::encrypt(lab, &ours.source).of(Origin::Debian).start();
    for number in 0..4 {
        carry(&backend, Conn::to(theirs.source()), number);
    }
    let theirs = Native::decrypt(lab, target).of(Origin::Debian).start();
    let ours = start(lab, "-e", theirs.source());
    for number in 0..4 {
        carry(&backend, Conn::to(&ours.source), number);
    }
    let spipe = node(lab, &["spipe", "-t", &theirs.source().to_string(), "-k", "key"]);
    let near = RunningSpipe::start(spipe).into_link();
    let far = backend.accept().into_link();
    let there = Transfer::start(near.writer, far.reader, LENGTH);
    let back = Transfer::start(far.writer, near.reader, LENGTH);
    there.check();
    back.check();
    near.child.unwrap().wait().expect_success();
}

/// Whichever end is first.
fn carry(backend: &Backend, conn: Conn, number: u64) {
    let near = conn.into_link();
    let far = backend.accept().into_link();
    let (there, back) = match number % 2 {
        0 => (LENGTH, LENGTH / 2),
        _ => (LENGTH / 2, LENGTH),
    };
    let there = Transfer::start(near.writer, far.reader, there);
    let back = Transfer::start(far.writer, near.reader, back);
    there.check();
    back.check();
}

const LENGTH: u64 = 1 << 20;

struct InNode {
    _process: Process,
    source: Endpoint,
}

fn start(lab: &Lab, mode: &str, target: &Endpoint) -> InNode {
    let source = lab.tcp();
    let (from, to) = (source.to_string(), target.to_string());
    let command = node(lab, &[mode, "-s", &from, "-t", &to, "-k", "key"]);
    let mut process = Process::spawn(command);
    wait::until("the program listened", || {
        assert!(process.is_running(), "it ended instead: {}", process.stderr());
        is_listening(&source)
    });
    InNode { _process: process, source }
}

/// The key file is in the folder, which is all that the page opens.
fn node(lab: &Lab, args: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.arg(lab.path("spiped.mjs")).args(args).current_dir(lab.directory());
    command
}

/// With wasmtime's program under the name that the page uses.
#[track_caller]
fn newcomer() -> Newcomer {
    let wasmtime = Path::new(env!("CARGO_BIN_EXE_wasi"));
    Newcomer::reading("docs/wasi.md")
        .replacing("/path/to/the/checkout", ROOT)
        .replacing("wasmtime run", &format!("{} run", wasmtime.display()))
        .replacing_port(7000)
        .replacing_port(8025)
        .replacing_port(8026)
        .replacing_port(8027)
}
