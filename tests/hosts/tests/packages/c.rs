//! The host in C: what its README says, and the transcripts.

use std::path::{Path, PathBuf};
use std::process::Command;

use spiped_host_tests::{built, target};
use spiped_tests::{Lab, Newcomer, Process};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn client_does_what_the_readme_says() {
    // What is to be got was got for the tests: to get it again is a matter of the network.
    let setup = "/path/to/the/checkout/host/c/setup.sh wasmtime";
    let mut newcomer = Newcomer::reading("host/c/README.md")
        .replacing(setup, &format!("cp -R {} wasmtime", wasmtime().display()))
        .replacing("/path/to/the/checkout", ROOT)
        .replacing_port(7000)
        .replacing_port(8025);
    newcomer.does("Get it");
    newcomer.does("Try it");
    newcomer.has_done_all_but(&[]);
}

/// With what notices reads and writes that are none of ours, and memory that is lost.
#[test]
fn transcripts_replay() {
    let lab = Lab::empty();
    let play = lab.path("play");
    let wasmtime = wasmtime();
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]);
    cc.args(["-fsanitize=address,undefined", "-fno-sanitize-recover"]);
    cc.arg("-o").arg(&play).arg(Path::new(ROOT).join("tests/hosts/c/play.c"));
    let host = Path::new(ROOT).join("host/c");
    cc.args(["spiped_pipe.c", "instance.c", "code.c", "sha256.c"].map(|file| host.join(file)));
    cc.arg("-I").arg(&host).arg("-isystem").arg(wasmtime.join("include"));
    let library = wasmtime.join("lib");
    cc.arg("-L").arg(&library).arg(format!("-Wl,-rpath,{}", library.display()));
    cc.args(["-lwasmtime", "-lpthread"]);
    run(cc);

    let mut replay = Command::new(&play);
    replay.arg(built("spiped-portable.core.wasm")).args(crate::python::transcripts());
    run(replay);
}

fn wasmtime() -> PathBuf {
    let wasmtime = target("hosts/c");
    assert!(wasmtime.join("version").is_file(), "run tests/hosts/c/setup.sh");
    wasmtime
}

fn run(command: Command) {
    Process::spawn(command).wait().expect_success();
}
