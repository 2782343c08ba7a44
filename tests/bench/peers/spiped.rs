//! spiped, the original and ours.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Lab, Origin, Process, Program, Spiped};

use super::version_text;
use crate::limits;
use crate::tunnel::Tunnel;

pub(super) fn version(origin: Origin) -> Result<Option<String>> {
    let path = Program::Spiped.path(origin);
    let option = if origin == Origin::Ours { "--version" } else { "-v" };
    version_text(path.to_str().context("a path that is no text")?, option).map(Some)
}

/// Both ends; `client_args` are for the first only.
pub(super) fn start(origin: Origin, target: &Endpoint, client_args: &[&str]) -> Result<Tunnel> {
    // One is used to see that the others are there.
    let most = (limits::MANY + 1).to_string();
    let mut tunnel = Tunnel::to(target);
    for (decrypt, args) in [(true, &[][..]), (false, client_args)] {
        tunnel.put_in_front(|lab, source, target| {
            let mode = if decrypt { Spiped::decrypt } else { Spiped::encrypt };
            let end = mode(lab, target).of(origin).source(source).args(&["-n", &most]);
            Ok(end.args(args).spawn())
        })?;
    }
    Ok(tunnel)
}

/// Both ends, each one of so many pipes of a process that also serves metrics.
pub(super) fn start_one_of(pipes: usize, target: &Endpoint) -> Result<Tunnel> {
    let mut tunnel = Tunnel::to(target);
    for mode in ["decrypt", "encrypt"] {
        tunnel.put_in_front(|lab, source, target| {
            let settings = settings(lab, pipes, mode, source, target)?;
            let file = lab.write(&format!("{mode}.toml"), settings);
            let file = file.to_str().context("a path that is no text")?;
            Ok(Process::spawn(Program::Spiped.ours(lab, &["-F", "--config", file])))
        })?;
    }
    Ok(tunnel)
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
