//! spiped, the original and ours.

use anyhow::{Context, Result};
use spiped_tests::{Endpoint, Origin, Program, Spiped};

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
