//! Which executable a test runs.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::wire::PACKET_LEN;
use crate::{Conn, Ending, Foreign, Lab};

/// Whose program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The one under test.
    Ours,
    /// The original as this machine's Debian has it.
    Debian,
    /// The newest of the original, as `tests/upstream/setup.sh` gets it.
    Upstream,
    /// Around the component in another host.
    Foreign(&'static Foreign),
}

impl Origin {
    /// Whether it is one of the original's.
    pub fn is_original(self) -> bool {
        matches!(self, Self::Debian | Self::Upstream)
    }

    /// Whether its programs can reset a connection.
    pub fn resets(self) -> bool {
        self.foreign().is_none_or(|host| host.resets)
    }

    /// The host, if its programs are not `spiped` and `spipe`.
    pub(crate) fn foreign(self) -> Option<&'static Foreign> {
        match self {
            Self::Foreign(host) => Some(host),
            Self::Ours | Self::Debian | Self::Upstream => None,
        }
    }

    /// Checks that the plain side of a connection with one of its programs breaks,
    /// with nothing more received: nobody must take this for a clean end.
    #[track_caller]
    pub fn expect_plain_break(self, conn: &mut Conn) {
        if self.resets() {
            conn.expect_nothing_but(Ending::Reset);
        } else {
            assert!(conn.is_silent_for(SILENCE), "the connection ended");
        }
    }

    /// The same of its crypt side.
    #[track_caller]
    pub fn expect_crypt_break(self, conn: &mut Conn) {
        if self.resets() {
            conn.expect_nothing_but(Ending::Reset);
        } else {
            let (bytes, _) = conn.receive_to_end();
            assert!(bytes.len() < PACKET_LEN, "{} bytes came", bytes.len());
        }
    }

    /// How its programs put a reason, which is called `case` in the WIT; nothing
    /// for the original's, which do not say it.
    pub fn says(self, case: &'static str) -> Option<&'static str> {
        let own = match self {
            Self::Ours => REASONS,
            Self::Debian | Self::Upstream => return None,
            Self::Foreign(host) => host.reasons,
        };
        Some(own.iter().find(|(name, _)| *name == case).map_or(case, |(_, words)| words))
    }
}

/// For so long a plain side that cannot be reset stays open at least.
const SILENCE: Duration = Duration::from_millis(500);

/// How our programs put reasons.
const REASONS: &[(&str, &str)] = &[
    ("wrong-key", "wrong key"),
    ("key-exchange-not-accepted", "does not accept"),
    ("no-forward-secrecy", "forward secrecy"),
    ("forged-packet", "forged"),
    ("bad-length", "length"),
    ("truncated-in-handshake", "handshake"),
    ("truncated-in-packet", "truncated inside a packet"),
    ("truncated-before-end-mark", "truncated: the end mark is missing"),
    // Not of the WIT: those that only a host has.
    ("timed-out", "timed out"),
    ("connection-refused", "Connection refused"),
];

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
    /// If it is not there, or has no file of its own.
    pub fn path(self, origin: Origin) -> PathBuf {
        let (variable, default) = match origin {
            Origin::Ours => {
                ("SPIPED_BIN_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release"))
            }
            Origin::Debian => ("SPIPED_PEER_DIR", "/usr/bin"),
            Origin::Upstream => {
                ("SPIPED_UPSTREAM_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/upstream"))
            }
            Origin::Foreign(_) => panic!("several words run it"),
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
        command(&[self.path(origin).into()], lab, wrapper)
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

/// A command of these words, likewise.
pub(crate) fn command(words: &[OsString], lab: &Path, wrapper: &[OsString]) -> Command {
    let mut words = wrapper.iter().chain(words);
    let mut command = Command::new(words.next().expect("a program"));
    command
        .args(words)
        .current_dir(lab)
        .stdin(Stdio::null())
        // A name server that does not answer must not stall a test.
        .env("RES_OPTIONS", "timeout:1 attempts:1");
    command
}
