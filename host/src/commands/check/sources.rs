//! Whether there is somewhere to listen: ports and paths that are free, and
//! ours to take. Nothing listens meanwhile, so nobody can connect to us.

use std::fmt::Display;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::finding::{Findings, Severity};
use super::holder::{self, Holder};
use super::running::Running;
use crate::net::listen::bound_to;
use crate::net::resolve::Endpoint;

/// Looks whether we could listen there. `severity` is how bad it is if not.
pub(super) fn check(
    endpoint: &Endpoint,
    key: &'static str,
    severity: Severity,
    running: &Running,
    findings: &mut Findings,
) {
    let verdict = match endpoint {
        Endpoint::Tcp(address) => check_tcp(*address),
        Endpoint::Unix(path) => check_unix(path),
        Endpoint::Abstract(_) if holder::is_listening(endpoint) => Verdict::Taken,
        Endpoint::Abstract(_) => Verdict::Free,
    };
    let unable = |reason: &dyn Display| format!("Cannot listen on {endpoint}: {reason}");
    match verdict {
        Verdict::Free => {}
        Verdict::Stale => {
            findings.note(key, format!("{endpoint} is a stale socket: it will be replaced"));
        }
        Verdict::Later(reason) => findings.note(key, unable(&reason)),
        Verdict::Unknown(reason) => findings.warning(key, unable(&reason)),
        Verdict::Impossible(reason) => findings.add(severity, key, unable(&reason)),
        Verdict::Taken => {
            let holders = holder::holders(endpoint);
            if let Some(daemon) = running.among(&holders) {
                let words = format!("{endpoint} is in use by {daemon}, which has these settings");
                findings.note(key, words);
            } else if let Some(init) = holders.iter().find(|holder| holder.pid == INIT) {
                findings.warning(
                    key,
                    unable(&format!("{init} listens there, which is right only for a socket unit")),
                );
            } else {
                findings.add(severity, key, unable(&taken_by(&holders)));
            }
        }
    }
}

fn taken_by(holders: &[Holder]) -> String {
    match holders.first() {
        Some(holder) => format!("in use by {holder}: stop it, or choose another address"),
        None if geteuid().is_root() => {
            "in use by a process that cannot be seen from here: choose another address".to_owned()
        }
        None => "in use: stop the process that listens there, or choose another address (root can \
            see which it is)"
            .to_owned(),
    }
}

/// What would come of listening.
enum Verdict {
    Free,
    /// A socket that whoever made it has left behind.
    Stale,
    Taken,
    Impossible(String),
    /// Not now, but once the unit is started.
    Later(String),
    /// For others than us, it may be possible.
    Unknown(String),
}

fn check_tcp(address: SocketAddr) -> Verdict {
    match bound_to(&address) {
        Ok(_) => Verdict::Free,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Verdict::Taken,
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Verdict::Impossible(
            format!("{} is not an address of this host: see ip addr", address.ip()),
        ),
        Err(error) if is_forbidden(&error) => Verdict::Unknown(format!(
            "user {} may not listen on port {}: run spiped check as root",
            geteuid(),
            address.port()
        )),
        Err(error) => Verdict::Impossible(error.to_string()),
    }
}

/// Whether root might be allowed to, and we are not.
fn is_forbidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && !geteuid().is_root()
}

fn check_unix(path: &Path) -> Verdict {
    let found = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return parent_verdict(path).unwrap_or(Verdict::Free);
        }
        Err(error) => return cannot_look(path, &error),
    };
    let name = path.display();
    if !found.file_type().is_socket() {
        return Verdict::Impossible(format!("{name} is not a socket: move it elsewhere"));
    }
    if holder::is_listening(&Endpoint::Unix(path.to_owned())) {
        return Verdict::Taken;
    }
    parent_verdict(path).unwrap_or(Verdict::Stale)
}

/// What speaks against making a file there, if anything does.
pub(super) fn parent_verdict_words(path: &Path) -> Option<(Severity, String)> {
    match parent_verdict(path)? {
        Verdict::Impossible(reason) => Some((Severity::Error, reason)),
        Verdict::Unknown(reason) => Some((Severity::Warning, reason)),
        Verdict::Later(reason) => Some((Severity::Note, reason)),
        Verdict::Free | Verdict::Stale | Verdict::Taken => None,
    }
}

fn parent_verdict(path: &Path) -> Option<Verdict> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let name = parent.display();
    match fs::metadata(parent) {
        Ok(metadata) if metadata.is_dir() => {
            let writable = access(parent, Access::WRITE_OK | Access::EXEC_OK);
            writable.is_err().then(|| {
                let user = geteuid();
                let reason = format!("user {user} may not create files in {name}");
                if user.is_root() {
                    Verdict::Impossible(format!("{reason}: it may be on a read-only file system"))
                } else {
                    Verdict::Unknown(format!("{reason}: run spiped check as root"))
                }
            })
        }
        Ok(_) => Some(Verdict::Impossible(format!("{name} is not a directory"))),
        // Before its service is started, its directory is not there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent.starts_with("/run") => {
            Some(Verdict::Later(format!(
                "the directory {name} does not exist yet: a unit creates it with \
                 RuntimeDirectory=; otherwise run mkdir {name}"
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(Verdict::Impossible(format!(
                "the directory {name} does not exist: run mkdir {name} (a unit can create it with \
                 RuntimeDirectory=)"
            )))
        }
        Err(error) => Some(cannot_look(parent, &error)),
    }
}

fn cannot_look(path: &Path, error: &io::Error) -> Verdict {
    let reason = format!("{}: {error}", path.display());
    if is_forbidden(error) {
        Verdict::Unknown(format!("{reason}: run spiped check as root"))
    } else {
        Verdict::Impossible(reason)
    }
}

/// Under systemd, whoever listens for a unit that is not started yet.
const INIT: u32 = 1;
