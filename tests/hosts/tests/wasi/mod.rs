//! The program for WASI, `spiped.wasm`: what other hosts do not have, or have by
//! other means. What all servers and clients do is in `suite`.

mod crowd;
mod failures;
mod page;
mod settings;

use std::path::Path;
use std::process::{Command, Stdio};

use spiped_host_tests::built;
use spiped_tests::procfs::is_listening;
use spiped_tests::{Conn, Endpoint, Lab, Process, wait};

/// It runs in wasmtime, with these arguments.
fn program(lab: &Lab, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasi"));
    command.arg(built("spiped.wasm")).args(args);
    command.current_dir(lab.directory()).stdin(Stdio::null());
    // It would take it for one of its own.
    command.env_remove("SPIPED_BIN_DIR");
    command
}

/// With the lab's key, and a time limit that no handshake reaches.
fn spipe(lab: &Lab, target: &Endpoint, key: &Path, args: &[&str]) -> Command {
    let mut command = program(lab, &["spipe", "-o", "30", "-t", &target.to_string(), "-k"]);
    command.arg(key).args(args);
    command
}

/// `-d` or `-e`, in one process for all its connections.
struct Spiped {
    process: Process,
    source: Endpoint,
}

impl Spiped {
    /// With the lab's key, and a time limit that no handshake reaches.
    #[track_caller]
    fn start(lab: &Lab, mode: &str, target: &str, args: &[&str]) -> Self {
        let source = lab.tcp();
        let mut command =
            program(lab, &[mode, "-o", "30", "-s", &source.to_string(), "-t", target, "-k"]);
        command.arg(lab.key()).args(args);
        Self::run(command, source)
    }

    /// Any command, once it listens there.
    #[track_caller]
    fn run(command: Command, source: Endpoint) -> Self {
        let mut process = Process::spawn(command);
        wait::until("the program listened", || {
            assert!(process.is_running(), "it ended instead: {}", process.stderr());
            is_listening(&source)
        });
        Self { process, source }
    }

    #[track_caller]
    fn connect(&self) -> Conn {
        Conn::to(&self.source)
    }
}
