//! Files, ports and other processes, as far as the kernel can shut them out.

use std::env;
use std::os::unix::ffi::OsStrExt as _;

use ::landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    NetPort, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::{Help, Layer, Needs};

/// The last version whose rights these rules were tried with. Later ones bring
/// rights that today's rules say nothing about, and those are not touched.
const TRIED: ABI = ABI::V6;

/// Shuts this thread, and those it starts, off from files, from TCP ports that
/// are not needed, and from signals to other processes. Unix sockets with a path
/// stay within reach: none of these rights is about them.
pub(super) fn restrict(needs: &Needs) -> Vec<Layer> {
    let ports = needs.connects_to.is_some() || needs.connects_from.is_some();
    described(shut_in(needs), ports)
}

fn shut_in(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(TRIED))?
        .scope(scopes(needs))?;
    if needs.connects_to.is_some() {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    if needs.connects_from.is_some() {
        rules = rules.handle_access(AccessNet::BindTcp)?;
    }
    let mut rules = rules.create()?;
    for &port in needs.connects_to.iter().flatten() {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    for &port in needs.connects_from.iter().flatten() {
        rules = rules.add_rule(NetPort::new(port, AccessNet::BindTcp))?;
    }
    // A directory that is not there yet cannot be named: sockets in it then fail.
    for directory in needs.makes_sockets_in.iter().filter_map(|it| PathFd::new(it).ok()) {
        rules = rules.add_rule(PathBeneath::new(directory, AccessFs::MakeSock))?;
    }
    rules.restrict_self()
}

/// For a process that goes on to read files and to ask name servers: it can write
/// and run none, take no TCP port unless it is to listen, and signal no other
/// process.
pub(super) fn help_only(help: Help) -> Vec<Layer> {
    described(shut_in_to_help(help), help == Help::Read)
}

fn shut_in_to_help(help: Help) -> Result<RestrictionStatus, RulesetError> {
    let rules =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).scope(Scope::Signal)?;
    let writing = AccessFs::from_write(TRIED) | AccessFs::Execute;
    let rules = match help {
        Help::Read => rules.handle_access(writing)?.handle_access(AccessNet::BindTcp)?,
        // The files of sockets come and go.
        Help::ReadAndListen => {
            rules.handle_access(writing & !(AccessFs::MakeSock | AccessFs::RemoveFile))?
        }
    };
    rules.create()?.restrict_self()
}

/// Signals to others; and abstract sockets, unless the target is one, or the
/// service manager waits for news at one.
fn scopes(needs: &Needs) -> BitFlags<Scope> {
    let notified = env::var_os("NOTIFY_SOCKET");
    let notified = notified.is_some_and(|path| path.as_bytes().starts_with(b"@"));
    if notified || needs.connects_to_abstract {
        Scope::Signal.into()
    } else {
        Scope::Signal | Scope::AbstractUnixSocket
    }
}

/// The first version with all of it is that of Linux 6.12.
fn described(restricted: Result<RestrictionStatus, RulesetError>, ports: bool) -> Vec<Layer> {
    let status = match restricted {
        Ok(status) => status,
        Err(error) => return vec![Err(format!("Landlock ({error})"))],
    };
    let reason = match (&status.ruleset, &status.landlock) {
        (RulesetStatus::FullyEnforced, _) => {
            let ports = if ports { ", TCP ports" } else { "" };
            return vec![Ok(format!("Landlock (files{ports}, signals)"))];
        }
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            let ports = ports && *effective_abi >= ABI::V4;
            let active = if ports { "files, TCP ports" } else { "files" };
            return vec![
                Ok(format!("Landlock ({active})")),
                Err("the rest of Landlock (Linux 6.12 has it)".to_owned()),
            ];
        }
        (_, LandlockStatus::NotImplemented) => "this kernel has none",
        (_, LandlockStatus::NotEnabled) => "this kernel has it switched off",
        (_, LandlockStatus::Available { .. }) => "refused",
    };
    vec![Err(format!("Landlock ({reason})"))]
}
