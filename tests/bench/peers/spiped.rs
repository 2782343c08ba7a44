//! spiped, the original and ours.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use spiped_tests::{Endpoint, Lab, Origin, Process, Program};

use super::{Daemon, version_text};
use crate::limits;
use crate::tunnel::Tunnel;

pub(super) const ORIGINAL: Daemon = Daemon {
    path: || Program::Spiped.path(Origin::Debian),
    version: |program| version_text(program, "-v"),
    setup: "",
    start: |program, target| start(program, target, &[]),
};

pub(super) const NEWEST_ORIGINAL: Daemon =
    Daemon { path: || Program::Spiped.path(Origin::Upstream), ..ORIGINAL };

pub(super) const OURS: Daemon = Daemon {
    path: || Program::Spiped.path(Origin::Ours),
    version: |program| version_text(program, "--version"),
    ..ORIGINAL
};

pub(super) const OURS_X25519: Daemon = Daemon {
    setup: "--kex x25519",
    start: |program, target| start(program, target, &["--kex", "x25519"]),
    ..OURS
};

pub(super) const OURS_OF_100: Daemon =
    Daemon { start: |program, target| start_one_of(100, program, target), ..OURS };

/// Both ends; `client_args` are for the first only.
fn start(program: &Path, target: &Endpoint, client_args: &[&str]) -> Result<Tunnel> {
    // One is used to see that the others are there.
    let most = (limits::MANY + 1).to_string();
    let mut tunnel = Tunnel::to(target);
    for (mode, args) in [("-d", &[][..]), ("-e", client_args)] {
        tunnel.put_in_front(|lab, source, target| {
            let mut command = command(program, lab);
            command.args([mode, "-s", &source.to_string(), "-t", &target.to_string()]);
            command.args(["-o", PATIENCE, "-n", &most, "-k"]).arg(lab.key()).args(args);
            Ok(Process::spawn(command))
        })?;
    }
    Ok(tunnel)
}

/// Both ends, each one of so many pipes of a process that also serves metrics.
fn start_one_of(pipes: usize, program: &Path, target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    for mode in ["decrypt", "encrypt"] {
        tunnel.put_in_front(|lab, source, target| {
            let settings = settings(lab, pipes, mode, source, target)?;
            let file = lab.write(&format!("{mode}.toml"), settings);
            let mut command = command(program, lab);
            command.arg("--config").arg(file);
            Ok(Process::spawn(command))
        })?;
    }
    Ok(tunnel)
}

/// In the foreground.
fn command(program: &Path, lab: &Lab) -> Command {
    let mut command = Command::new(program);
    command.arg("-F").current_dir(lab.directory()).stdin(Stdio::null());
    command
}

/// The pipe that counts is neither the first nor the last.
fn settings(
    lab: &Lab,
    pipes: usize,
    mode: &str,
    source: &Endpoint,
    target: &Endpoint,
) -> Result<String> {
    let mut settings = format!("metrics = \"{}\"\n", lab.tcp());
    for index in 0..pipes {
        let others = lab.unix(&format!("{mode}-{index}"));
        let source = if index == pipes / 2 { source } else { &others };
        writeln!(
            settings,
            "[pipe.p{index}]\nmode = \"{mode}\"\nsource = \"{source}\"\ntarget = \"{target}\"\n\
             key = \"{}\"",
            lab.key().display()
        )?;
    }
    Ok(settings)
}

/// In seconds; no handshake takes so long on a loaded machine.
const PATIENCE: &str = "30";
