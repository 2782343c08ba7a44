//! A daemon that runs from a file of settings.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use crate::procfs::is_listening;
use crate::{Endpoint, Exit, Lab, Origin, Process, Program, wait};

/// The description of a daemon with pipes out of a file, with the lab's key unless
/// told otherwise.
pub struct Configured<'a> {
    lab: &'a Lab,
    wrapper: Vec<OsString>,
}

impl<'a> Configured<'a> {
    /// In this lab.
    pub fn new(lab: &'a Lab) -> Self {
        Self { lab, wrapper: Vec::new() }
    }

    /// Starts it through another program, which must exec it.
    #[must_use]
    pub fn under<S: Into<OsString>>(mut self, wrapper: impl IntoIterator<Item = S>) -> Self {
        self.wrapper.extend(wrapper.into_iter().map(Into::into));
        self
    }

    /// The file's path.
    pub fn file(&self) -> PathBuf {
        self.lab.path(FILE)
    }

    /// The socket through which commands talk to it.
    pub fn control(&self) -> PathBuf {
        self.lab.path(CONTROL)
    }

    /// Writes the file: these lines about the process, and these pipes.
    pub fn write(&self, process: &str, pipes: &[String]) {
        self.replace(self.text(process, pipes));
    }

    /// What that puts there.
    pub fn text(&self, process: &str, pipes: &[String]) -> String {
        format!("control = \"{}\"\n{process}\n{}", self.control().display(), pipes.concat())
    }

    /// Puts a text in the file's place, atomically.
    pub fn replace(&self, text: impl AsRef<[u8]>) {
        let new = self.lab.write("spiped.toml.new", text);
        fs::rename(new, self.file()).unwrap();
    }

    /// Runs in the foreground, and waits for nothing.
    #[track_caller]
    pub fn spawn(&self) -> Process {
        let lab = self.lab.directory();
        let mut command = Program::Spiped.command(Origin::Ours, lab, &self.wrapper);
        command.args(["-F", "--config"]).arg(self.file());
        Process::spawn(command)
    }

    /// Runs in the foreground, and waits until it listens on all of these and
    /// commands reach it.
    #[track_caller]
    pub fn start(&self, sources: &[&Endpoint]) -> Process {
        let mut process = self.spawn();
        let control = Endpoint::Unix(self.control());
        for source in sources.iter().copied().chain([&control]) {
            wait::until(&format!("a daemon listened on {source}"), || {
                assert!(process.is_running(), "the daemon ended instead");
                is_listening(source)
            });
        }
        process
    }

    /// Starts a command that talks to it, and does not wait.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> Process {
        let mut command = Program::Spiped.ours(self.lab, words);
        command.arg("--control").arg(self.control());
        Process::spawn(command)
    }

    /// Runs a command that talks to it.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Exit {
        self.ask(words).wait()
    }

    /// A reload that works. Says what has changed.
    #[track_caller]
    pub fn reload(&self) -> String {
        self.run(&["reload"]).answer()
    }

    /// A reload that changes nothing, for this reason.
    #[track_caller]
    pub fn expect_refusal(&self, reason: &str) {
        let exit = self.run(&["reload"]);
        exit.expect_failure(reason);
        exit.expect_failure("Nothing has changed");
    }
}

/// A pipe for the file: what is said of it besides its mode, source and target.
pub fn pipe(
    name: &str,
    mode: &str,
    source: &dyn fmt::Display,
    target: &dyn fmt::Display,
    more: &str,
) -> String {
    let unless_said = |line: &'static str| {
        let (key, _) = line.split_at(line.find('=').unwrap());
        if more.contains(&format!("{key}=")) { "" } else { line }
    };
    let key = unless_said("key = \"key\"\n");
    let timeout = unless_said("timeout = \"30s\"\n");
    format!(
        "[pipe.{name}]\nmode = \"{mode}\"\nsource = \"{source}\"\ntarget = \"{target}\"\n\
         {timeout}{key}{more}\n"
    )
}

const FILE: &str = "spiped.toml";
const CONTROL: &str = "control";
