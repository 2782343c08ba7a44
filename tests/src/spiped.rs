//! Describing and running the daemon.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use crate::foreign::Part;
use crate::procfs::is_listening;
use crate::{Conn, Endpoint, Exit, Lab, Origin, Process, Program, program, wait};

/// Which side of the daemon is plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `-e`: the source is plain.
    Encrypt,
    /// `-d`: the source is encrypted.
    Decrypt,
}

/// The description of a daemon: ours, with the lab's key, and a time limit
/// (`-o`) that no handshake reaches on a loaded machine, unless told otherwise.
#[derive(Clone)]
pub struct Spiped {
    origin: Origin,
    mode: Mode,
    directory: PathBuf,
    source: Endpoint,
    written_source: String,
    targets: Vec<String>,
    key: PathBuf,
    stdin: Option<PathBuf>,
    time_limit: String,
    args: Vec<OsString>,
    wrapper: Vec<OsString>,
}

impl Spiped {
    /// `-e` from a free port.
    pub fn encrypt(lab: &Lab, target: &dyn fmt::Display) -> Self {
        Self::new(Mode::Encrypt, lab, target)
    }

    /// `-d` from a free port.
    pub fn decrypt(lab: &Lab, target: &dyn fmt::Display) -> Self {
        Self::new(Mode::Decrypt, lab, target)
    }

    fn new(mode: Mode, lab: &Lab, target: &dyn fmt::Display) -> Self {
        let source = lab.tcp();
        Self {
            origin: Origin::Ours,
            mode,
            directory: lab.directory().to_owned(),
            written_source: source.to_string(),
            source,
            targets: vec![target.to_string()],
            key: lab.key(),
            stdin: None,
            time_limit: "30".into(),
            args: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    /// Whose program.
    #[must_use]
    pub fn of(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The source (`-s`) instead of a free port.
    #[must_use]
    pub fn source(self, source: &Endpoint) -> Self {
        self.source_written(source, &source.to_string())
    }

    /// The source (`-s`), written in a way of our choice.
    #[must_use]
    pub fn source_written(mut self, source: &Endpoint, written: &str) -> Self {
        self.source = source.clone();
        self.written_source = written.into();
        self
    }

    /// A target besides the one it has.
    #[must_use]
    pub fn also_to(mut self, target: &dyn fmt::Display) -> Self {
        self.targets.push(target.to_string());
        self
    }

    /// The key file (`-k`).
    #[must_use]
    pub fn key(mut self, key: impl Into<PathBuf>) -> Self {
        self.key = key.into();
        self
    }

    /// The file on standard input.
    #[must_use]
    pub fn stdin(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdin = Some(file.into());
        self
    }

    /// The time limit (`-o`), in seconds.
    #[must_use]
    pub fn time_limit(mut self, seconds: &str) -> Self {
        self.time_limit = seconds.into();
        self
    }

    /// Where it will listen.
    pub fn endpoint(&self) -> &Endpoint {
        &self.source
    }

    /// Further arguments.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(OsString::from));
        self
    }

    /// Starts it through another program, which must exec it.
    #[must_use]
    pub fn under<S: Into<OsString>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Self {
        self.wrapper.extend(wrapper.into_iter().map(Into::into));
        self
    }

    /// Where it listens.
    pub fn source_endpoint(&self) -> &Endpoint {
        &self.source
    }

    /// Runs in the foreground (`-F`) and waits until it listens.
    #[track_caller]
    pub fn start(&self) -> Daemon {
        let mut process = self.spawn();
        let what = format!("a daemon listened on {}", self.source);
        wait::until(&what, || {
            assert!(process.is_running(), "the daemon ended instead");
            is_listening(&self.source)
        });
        Daemon { process, source: self.source.clone() }
    }

    /// Runs in the foreground (`-F`) and waits for nothing.
    #[track_caller]
    pub fn spawn(&self) -> Process {
        let mut command = self.command();
        if !matches!(self.origin, Origin::Foreign(_)) {
            command.arg("-F");
        }
        Process::spawn(command)
    }

    /// Runs without `-F`, until the command ends: in a failure, or because a
    /// daemon has taken over.
    #[track_caller]
    pub fn run(&self) -> Exit {
        self.launch().wait()
    }

    /// Runs without `-F`, and waits for nothing.
    #[track_caller]
    pub fn launch(&self) -> Process {
        Process::spawn(self.command())
    }

    fn command(&self) -> Command {
        let (lab, wrapper) = (&self.directory, &self.wrapper);
        let mut command = if let Some(host) = self.origin.foreign() {
            program::command(&host.words(Part::Spiped(self.mode)), lab, wrapper)
        } else {
            let mut command = Program::Spiped.command(self.origin, lab, wrapper);
            command.arg(match self.mode {
                Mode::Encrypt => "-e",
                Mode::Decrypt => "-d",
            });
            command
        };
        command.args(["-s", &self.written_source]);
        let option = if self.targets.len() > 1 { "--target" } else { "-t" };
        for target in &self.targets {
            command.args([option, target]);
        }
        command.args(["-o", &self.time_limit, "-k"]).arg(&self.key);
        command.args(&self.args);
        if let Some(file) = &self.stdin {
            command.stdin(File::open(file).unwrap());
        }
        command
    }
}

/// A daemon in the foreground that was seen listening.
pub struct Daemon {
    /// The child.
    pub process: Process,
    source: Endpoint,
}

impl Daemon {
    /// Where it listens.
    pub fn source(&self) -> &Endpoint {
        &self.source
    }

    /// Connects to its source.
    #[track_caller]
    pub fn connect(&self) -> Conn {
        Conn::to(&self.source)
    }
}
