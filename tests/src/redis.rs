//! Redis, the service most often put behind spiped.

use std::process::{Command, Stdio};

use crate::procfs::is_listening;
use crate::{Endpoint, Exit, Lab, Process, wait};

/// A server without persistence on a free port.
pub struct Redis {
    _process: Process,
    endpoint: Endpoint,
}

impl Redis {
    /// Starts one with further arguments, and waits until it listens.
    #[track_caller]
    pub fn start(lab: &Lab, args: &[&str]) -> Self {
        let endpoint = lab.tcp();
        let port = endpoint.port().to_string();
        let mut command = command("redis-server");
        command.current_dir(lab.directory());
        command.args(["--port", &port, "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        let process = Process::spawn(with(command, args));
        wait::until("redis-server listened", || is_listening(&endpoint));
        Self { _process: process, endpoint }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Runs one command on whatever speaks Redis at `endpoint`.
    #[track_caller]
    pub fn cli(endpoint: &Endpoint, args: &[&str]) -> Exit {
        Self::tool("redis-cli", endpoint, args)
    }

    /// Runs `redis-benchmark` against `endpoint`.
    #[track_caller]
    pub fn benchmark(endpoint: &Endpoint, args: &[&str]) -> Exit {
        Self::tool("redis-benchmark", endpoint, args)
    }

    #[track_caller]
    fn tool(name: &str, endpoint: &Endpoint, args: &[&str]) -> Exit {
        let port = endpoint.port().to_string();
        let mut command = command(name);
        command.args(["-h", "127.0.0.1", "-p", &port]);
        Process::spawn(with(command, args)).wait()
    }
}

fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}
