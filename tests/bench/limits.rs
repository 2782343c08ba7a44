//! How many connections this machine lets a process have.

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The greatest number of connections that any figure opens.
pub(crate) const MANY: u32 = 10_000;

/// Raises the limit of open files for this process and its children to what
/// [`MANY`] connections need, or as far as it may.
pub(crate) fn raise() -> Result<()> {
    let (_, hard) = open_files()?;
    // Only a privileged process may raise the hard limit.
    if hard < NEEDED && setrlimit(Resource::RLIMIT_NOFILE, NEEDED, NEEDED).is_ok() {
        return Ok(());
    }
    let soft = hard.min(NEEDED);
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).context("raising the limit of open files")
}

/// The limit of open files.
pub(crate) fn limit() -> Result<u64> {
    Ok(open_files()?.0)
}

/// [`MANY`] connections, or as many as the limit of open files allows.
pub(crate) fn most_connections() -> Result<u32> {
    let most = connections_of(limit()?);
    Ok(u32::try_from(most).map_or(MANY, |most| most.min(MANY)))
}

fn open_files() -> Result<(u64, u64)> {
    getrlimit(Resource::RLIMIT_NOFILE).context("reading the limit of open files")
}

/// Two files each. Some are needed for other things, and stunnel accepts only
/// 125 connections per 256 files.
fn connections_of(files: u64) -> u64 {
    files * 12 / 25
}

const NEEDED: u64 = 25_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_files_are_enough() {
        assert!(connections_of(NEEDED) >= u64::from(MANY));
    }
}
