//! The program that takes over in an upgrade: which one it is, and how it is started.

use std::convert::Infallible;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf, absolute};

use nix::unistd::execve;

use crate::handover::VARIABLE;

/// A program, run as this process was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Symbolic links in it are resolved when it is started, and not before.
    path: PathBuf,
    /// The arguments as they were typed, including its name.
    args: Vec<OsString>,
    /// Whether the service manager expects watchdog reports.
    watched: bool,
}

impl Program {
    /// The `given` program, or the file that this process was started from. Called
    /// before anything that may take time: if the file were replaced before it is
    /// found, its path would end in " (deleted)" for all later upgrades.
    #[must_use]
    pub(crate) fn new(given: Option<&Path>, watched: bool) -> Self {
        let args: Vec<_> = env::args_os().collect();
        let path = match given {
            Some(path) => path.to_owned(),
            None => started_from(args.first().map_or(OsStr::new(""), |name| name), RUNNING),
        };
        // Without a current directory, the path stays as it is.
        Self { path: absolute(&path).unwrap_or(path), args, watched }
    }

    /// Its path.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Executes it. It finds the hand-over at this descriptor.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn run(&self, handover: RawFd) -> io::Result<Infallible> {
        let path = CString::new(self.path.as_os_str().as_bytes())?;
        let args: Result<Vec<_>, _> =
            self.args.iter().map(|arg| CString::new(arg.as_bytes())).collect();
        let inherited = env::vars_os().filter(|(name, _)| self.inherits(name));
        let variables = inherited.chain([(VARIABLE.into(), handover.to_string().into())]);
        let line = |(name, value): (OsString, OsString)| {
            CString::new([name.into_vec(), value.into_vec()].join(&b'='))
        };
        let variables: Result<Vec<_>, _> = variables.map(line).collect();
        Ok(execve(&path, &args?, &variables?)?)
    }

    /// It is not the process that the service manager started, and gets its sockets
    /// from us.
    fn inherits(&self, name: &OsStr) -> bool {
        let is_for_the_first = name.as_bytes().starts_with(b"LISTEN_") || name == "WATCHDOG_PID";
        !is_for_the_first && name != VARIABLE && (self.watched || name != "WATCHDOG_USEC")
    }
}

/// The path by which a process was started, if it names the file that runs; otherwise
/// the path of that file, or, if that is gone, the first path nevertheless.
fn started_from(name: &OsStr, file: &str) -> PathBuf {
    let running = fs::metadata(file);
    let is_running = |path: &Path| {
        let same =
            |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
        running.as_ref().is_ok_and(|running| fs::metadata(path).is_ok_and(|it| same(running, &it)))
    };
    let named = if name.as_bytes().contains(&b'/') {
        vec![PathBuf::from(name)]
    } else {
        let directories = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&directories).map(|directory| directory.join(name)).collect()
    };
    if let Some(found) = named.iter().find(|path| is_running(path)) {
        return found.clone();
    }
    let own = fs::read_link(file).ok();
    // It has been replaced since.
    let is_gone = running.is_ok_and(|running| running.nlink() == 0);
    let former = own.as_deref().and_then(|own| own.as_os_str().as_bytes().strip_suffix(GONE));
    let replaced = former.filter(|_| is_gone).map(|former| {
        let found = named.into_iter().find(|path| path.is_file());
        found.unwrap_or_else(|| OsStr::from_bytes(former).into())
    });
    replaced.or(own).unwrap_or_else(|| name.into())
}

/// The kernel adds it to the path of a file that is gone.
const GONE: &[u8] = b" (deleted)";

const RUNNING: &str = "/proc/self/exe";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn path_is_the_one_that_was_typed_if_it_leads_to_the_file_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let running = env::current_exe().unwrap();
        let link = folder.path().join("spiped");
        symlink(&running, &link).unwrap();
        let started_from = |name: &OsStr| started_from(name, RUNNING);
        assert_eq!(started_from(link.as_os_str()), link);
        let other = folder.path().join("other");
        symlink("/bin/sh", &other).unwrap();
        assert_eq!(started_from(other.as_os_str()), running);
        assert_eq!(started_from(OsStr::new("no such program")), running);
    }

    #[test]
    fn path_is_the_one_that_was_typed_if_the_file_that_runs_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("program"), folder.path().join("new"));
        fs::copy("/bin/sleep", &path).unwrap();
        fs::copy("/bin/sleep", &new).unwrap();
        let mut child = Command::new(&path).arg("30").spawn().unwrap();
        let file = format!("/proc/{}/exe", child.id());
        fs::rename(new, &path).unwrap();
        assert!(fs::read_link(&file).unwrap().as_os_str().as_bytes().ends_with(GONE));
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(started_from(link.as_os_str(), &file), link);
        assert_eq!(started_from(OsStr::new("no such program"), &file), path);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn only_the_first_process_has_what_is_meant_for_it() {
        let program = |watched| Program { path: PathBuf::new(), args: Vec::new(), watched };
        let inherits = |name: &str, watched| program(watched).inherits(name.as_ref());
        for name in ["LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID", VARIABLE] {
            assert!(!inherits(name, true), "{name}");
        }
        assert!(inherits("NOTIFY_SOCKET", false) && inherits("PATH", false));
        assert!(inherits("WATCHDOG_USEC", true) && !inherits("WATCHDOG_USEC", false));
    }
}
