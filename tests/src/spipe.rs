//! Describing and running the client between standard input and output.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Socket, Type};

use crate::foreign::Part;
use crate::wait::LIMIT;
use crate::{Conn, Exit, Lab, Link, Origin, Process, Program, program};

/// The description of a `spipe`: ours, with the lab's key, and a time limit
/// (`-o`) that no handshake reaches on a loaded machine, unless told otherwise.
#[derive(Clone)]
pub struct Spipe {
    origin: Origin,
    directory: PathBuf,
    target: String,
    key: PathBuf,
    time_limit: String,
    args: Vec<OsString>,
    wrapper: Vec<OsString>,
}

impl Spipe {
    /// A client of the daemon at `target`.
    pub fn to(lab: &Lab, target: &dyn fmt::Display) -> Self {
        Self {
            origin: Origin::Ours,
            directory: lab.directory().to_owned(),
            target: target.to_string(),
            key: lab.key(),
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

    /// The key file (`-k`).
    #[must_use]
    pub fn key(mut self, key: impl Into<PathBuf>) -> Self {
        self.key = key.into();
        self
    }

    /// The time limit (`-o`), in seconds.
    #[must_use]
    pub fn time_limit(mut self, seconds: &str) -> Self {
        self.time_limit = seconds.into();
        self
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

    /// Starts it between two descriptors of any kind.
    #[track_caller]
    pub fn start_between(&self, stdin: OwnedFd, stdout: OwnedFd) -> Process {
        let mut command = self.command();
        command.stdin(stdin);
        Process::spawn_writing_to(command, stdout)
    }

    /// Starts it between two pipes.
    #[track_caller]
    pub fn start(&self) -> RunningSpipe {
        RunningSpipe::start(self.command())
    }

    /// Starts it with one socket for both streams, as `inetd` would.
    #[track_caller]
    pub fn start_on_socket(&self) -> (Process, Conn) {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        let mut command = self.command();
        command.stdin(OwnedFd::from(theirs.try_clone().unwrap()));
        let process = Process::spawn_writing_to(command, OwnedFd::from(theirs));
        (process, Conn::new(ours))
    }

    /// Runs it to its end with the file as input.
    #[track_caller]
    pub fn run_on(&self, input: &Path) -> Exit {
        let mut command = self.command();
        command.stdin(File::open(input).unwrap());
        Process::spawn(command).wait()
    }

    fn command(&self) -> Command {
        let (lab, wrapper) = (&self.directory, &self.wrapper);
        let mut command = match self.origin.foreign() {
            Some(host) => program::command(&host.words(Part::Spipe), lab, wrapper),
            None => Program::Spipe.command(self.origin, lab, wrapper),
        };
        command.args(["-t", &self.target, "-o", &self.time_limit, "-k"]);
        command.arg(&self.key).args(&self.args);
        command
    }
}

/// A `spipe` and our ends of its streams.
pub struct RunningSpipe {
    /// The child.
    pub process: Process,
    /// To be dropped for end of file.
    pub stdin: ChildStdin,
    /// What it writes.
    pub stdout: Output,
}

impl RunningSpipe {
    /// Starts any program that behaves like `spipe`.
    #[track_caller]
    pub fn start(command: Command) -> Self {
        let (process, stdin, stdout) = Process::spawn_with_streams(command);
        Self { process, stdin, stdout: Output(stdout) }
    }

    /// Gives the streams to code that does not care what they are.
    pub fn into_link(self) -> Link {
        Link::new(self.stdout, self.stdin, Some(self.process))
    }
}

/// A child's standard output; a read that takes longer than
/// [`LIMIT`] fails.
pub struct Output(ChildStdout);

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = PollTimeout::try_from(LIMIT).expect("a limit in range");
        let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, limit)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => self.0.read(buffer),
        }
    }
}
