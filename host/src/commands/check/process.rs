//! What is said once for the whole process.

use std::path::Path;

use rustix::process::geteuid;

use super::endpoints_of;
use super::finding::{Findings, Severity};
use super::running::Running;
use super::sources::{self, parent_verdict_words};
use crate::config::{Launch, ProcessSettings};
use crate::net::look_ups::Found;
use crate::net::resolve::Endpoint;
use crate::process::privileges::{Identity, IdentityName};

/// Looks at it. Returns the user that the process would become.
pub(super) fn check(
    process: &ProcessSettings,
    names: &Found,
    running: &Running<'_>,
    findings: &mut Findings,
) -> Option<u32> {
    if let Launch::Daemon { pid_file, .. } = &process.launch {
        can_make(pid_file, "pid-file", findings);
    }
    if let Some(path) = &process.control {
        let endpoint = Endpoint::Unix(path.clone());
        sources::check(&endpoint, "control", Severity::Error, running, findings);
    }
    if let Some(address) = &process.metrics {
        match endpoints_of(address, names) {
            Err(error) => findings.error("metrics", error),
            Ok(endpoints) => endpoints.iter().for_each(|endpoint| {
                sources::check(endpoint, "metrics", Severity::Error, running, findings);
            }),
        }
    }
    let user = identity(process.identity.as_ref(), "user", findings)?;
    if !geteuid().is_root() {
        findings.warning("user", "Only root can change to another user (-u): start spiped as root");
    }
    user.user()
}

/// Looks up a user or group. An unknown one is an error.
pub(super) fn identity(
    name: Option<&IdentityName>,
    key: &'static str,
    findings: &mut Findings,
) -> Option<Identity> {
    let found = name?.look_up();
    found
        .inspect_err(|error| {
            findings.error(key, format!("{error}: see getent passwd and getent group"));
        })
        .ok()
}

fn can_make(path: &Path, key: &'static str, findings: &mut Findings) {
    if let Some((severity, reason)) = parent_verdict_words(path) {
        findings.add(severity, key, format!("Cannot create {}: {reason}", path.display()));
    }
}
