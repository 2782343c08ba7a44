//! Which executable a test runs.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Lab;

/// Whose program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The one under test.
    Ours,
    /// The original as this machine's Debian has it.
    Debian,
    /// The newest of the original, as `tests/upstream/setup.sh` gets it.
    Upstream,
}

/// Which of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The daemon.
    Spiped,
    /// The client between standard input and output.
    Spipe,
}

impl Program {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spiped => "spiped",
            Self::Spipe => "spipe",
        }
    }

    /// Where it is.
    ///
    /// # Panics
    /// If it is not there.
    pub fn path(self, origin: Origin) -> PathBuf {
        let (variable, default) = match origin {
            Origin::Ours => {
                ("SPIPED_BIN_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release"))
            }
            Origin::Debian => ("SPIPED_PEER_DIR", "/usr/bin"),
            Origin::Upstream => {
                ("SPIPED_UPSTREAM_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/upstream"))
            }
        };
        let directory = env::var_os(variable).unwrap_or_else(|| OsString::from(default));
        let path = Path::new(&directory).join(self.name());
        assert!(
            path.is_file(),
            "{} is missing: build or install it, or set {variable}",
            path.display()
        );
        path
    }

    /// A command that runs it in the lab's directory, with no input, started
    /// through `wrapper` if that is not empty.
    pub(crate) fn command(self, origin: Origin, lab: &Path, wrapper: &[OsString]) -> Command {
        let path = self.path(origin);
        let mut command = match wrapper.split_first() {
            None => Command::new(path),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(path);
                command
            }
        };
        command
            .current_dir(lab)
            .stdin(Stdio::null())
            // A name server that does not answer must not stall a test.
            .env("RES_OPTIONS", "timeout:1 attempts:1");
        command
    }

    /// A command that runs ours with exactly these arguments.
    pub fn ours(self, lab: &Lab, args: &[&str]) -> Command {
        self.of(Origin::Ours, lab, args)
    }

    /// The same, whosever it is.
    pub fn of(self, origin: Origin, lab: &Lab, args: &[&str]) -> Command {
        let mut command = self.command(origin, lab.directory(), &[]);
        command.args(args);
        command
    }
}
