//! The keys of a pipe: whether they can be used, and which they are.

use std::io;

use rustix::process::geteuid;

use super::finding::Findings;
use crate::config::settings::ConnectionSettings;
use crate::keys::file::Psk;
use crate::keys::fingerprint::Fingerprint;
use crate::keys::{Examination, ExaminedFile, KeyRules, KeySetError};
use crate::process::wipe::wipe_stack;

/// The key of a client, and what it is compared by.
#[derive(Clone)]
pub(super) struct ClientKey {
    pub(super) psk: Psk,
    pub(super) fingerprint: Fingerprint,
}

/// Looks at all keys of a pipe. Returns the first, if it can be read: a client
/// has no other.
pub(super) fn check(
    connection: &ConnectionSettings,
    rules: KeyRules,
    findings: &mut Findings,
) -> Option<ClientKey> {
    let Examination { files, faults } = connection.keys.examine(rules);
    // Hashing a key file leaves parts of it there.
    wipe_stack();
    for fault in faults {
        report(fault, findings);
    }
    let mut first = None;
    for ExaminedFile { name, file, psk, doubts, faults } in files {
        let nothing_read = psk.is_none() && faults.is_empty();
        for fault in faults {
            report(fault, findings);
        }
        for doubt in doubts {
            findings.warning(KEY, doubt);
        }
        if nothing_read {
            findings.warning(
                KEY,
                format!("{file} is a pipe, which can be read only once: its key is not checked"),
            );
        }
        if let Some(psk) = psk {
            let fingerprint = Fingerprint::of(&psk);
            let called = name.map(|name| format!(" {name}")).unwrap_or_default();
            findings.note(KEY, format!("Key{called}: fingerprint {fingerprint}, in {file}"));
            first.get_or_insert(ClientKey { psk, fingerprint });
        }
    }
    first
}

/// An error, unless it is only we who cannot look.
fn report(fault: KeySetError, findings: &mut Findings) {
    let fault = anyhow::Error::from(fault);
    let forbidden = fault
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if forbidden && !geteuid().is_root() {
        let user = geteuid();
        findings.warning(
            KEY,
            format!(
                "{fault:#}. User {user} cannot read it: run spiped check as \
            root"
            ),
        );
    } else {
        findings.error(KEY, format!("{fault:#}"));
    }
}

const KEY: &str = "key";
