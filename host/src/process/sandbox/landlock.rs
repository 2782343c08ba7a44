//! Confines access to files, ports and other processes, as far as the kernel supports
//! it.

use std::env;
use std::os::unix::ffi::OsStrExt as _;

use ::landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    NetPort, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::{Help, Layer, Needs};

/// The last version whose rights these rules were tested with. Later versions add
/// rights that these rules do not cover; they are left alone.
const TRIED: ABI = ABI::V6;

/// Confines this thread, and those it starts: no files, no TCP ports that are not
/// needed, no signals to other processes. Unix sockets with a path stay reachable,
/// because none of these rights covers them.
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
    // A directory that does not exist yet cannot be allowed: connecting to sockets in
    // it then fails.
    for directory in needs.makes_sockets_in.iter().filter_map(|it| PathFd::new(it).ok()) {
        rules = rules.add_rule(PathBeneath::new(directory, AccessFs::MakeSock))?;
    }
    rules.restrict_self()
}

/// For a process that continues to read files and to ask name servers: it cannot write
/// or execute files, bind TCP ports unless it is to listen, or signal other processes.
pub(super) fn help_only(help: Help) -> Vec<Layer> {
    described(shut_in_to_help(help), help == Help::Read)
}

fn shut_in_to_help(help: Help) -> Result<RestrictionStatus, RulesetError> {
    let rules =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).scope(Scope::Signal)?;
    let writing = AccessFs::from_write(TRIED) | AccessFs::Execute;
    let rules = match help {
        Help::Read => rules.handle_access(writing)?.handle_access(AccessNet::BindTcp)?,
        // Socket files are created and removed.
        Help::ReadAndListen => {
            rules.handle_access(writing & !(AccessFs::MakeSock | AccessFs::RemoveFile))?
        }
    };
    rules.create()?.restrict_self()
}

/// Signals to other processes; and abstract sockets, unless the target or the service
/// manager's socket is one.
fn scopes(needs: &Needs) -> BitFlags<Scope> {
    let notified = env::var_os("NOTIFY_SOCKET");
    let notified = notified.is_some_and(|path| path.as_bytes().starts_with(b"@"));
    if notified || needs.connects_to_abstract {
        Scope::Signal.into()
    } else {
        Scope::Signal | Scope::AbstractUnixSocket
    }
}

/// Linux 6.12 has the first version with all of this.
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
                Err("the rest of Landlock (needs Linux 6.12)".to_owned()),
            ];
        }
        (_, LandlockStatus::NotImplemented) => "not in this kernel",
        (_, LandlockStatus::NotEnabled) => "disabled in this kernel",
        (_, LandlockStatus::Available { .. }) => "refused",
    };
    vec![Err(format!("Landlock ({reason})"))]
}
