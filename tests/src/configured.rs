//! A daemon that runs from a file of settings.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use crate::proc::is_listening;
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

    /// Writes the file: these lines about the process, and these pipes.
    pub fn write(&self, process: &str, pipes: &[String]) {
        let control = self.lab.path(CONTROL);
        let head = format!("control = \"{}\"\n{process}\n", control.display());
        fs::write(self.file(), head + &pipes.concat()).unwrap();
    }

    /// Runs in the foreground, and waits for nothing.
    #[track_caller]
    pub fn spawn(&self) -> Process {
        let lab = self.lab.directory();
        let mut command = Program::Spiped.command(Origin::Ours, lab, &self.wrapper);
        command.args(["-F", "--config"]).arg(self.file());
        Process::spawn(command)
    }

    /// Runs in the foreground, and waits until it listens on all of these.
    #[track_caller]
    pub fn start(&self, sources: &[&Endpoint]) -> Process {
        let mut process = self.spawn();
        for source in sources {
            wait::until(&format!("a daemon listened on {source}"), || {
                assert!(process.is_running(), "the daemon ended instead");
                is_listening(source)
            });
        }
        process
    }

    /// Runs a command that talks to it.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Exit {
        let mut command = Program::Spiped.ours(self.lab, words);
        command.arg("--control").arg(self.lab.path(CONTROL));
        Process::spawn(command).wait()
    }

    /// A reload that works. Says what has changed.
    #[track_caller]
    pub fn reload(&self) -> String {
        let exit = self.run(&["reload"]);
        exit.expect_success();
        String::from_utf8(exit.stdout).unwrap()
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
    let key = if more.contains("key =") { "" } else { "key = \"key\"" };
    format!(
        "[pipe.{name}]\nmode = \"{mode}\"\nsource = \"{source}\"\ntarget = \"{target}\"\n\
         timeout = \"30s\"\n{key}\n{more}\n"
    )
}

const FILE: &str = "spiped.toml";
const CONTROL: &str = "control";
