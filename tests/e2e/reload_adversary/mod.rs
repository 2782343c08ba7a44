//! A daemon with a file of many pipes, and somebody who changes the file in the
//! worst way and at the worst time.

mod changes;
mod races;
mod scale;
mod wrong;

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::PathBuf;
use std::process::Command;

use spiped_tests::{Endpoint, Exit, Lab, Origin, Process, Program, proc, wait};

/// A file of settings, which is replaced as a whole.
struct File<'a> {
    lab: &'a Lab,
    pipes: BTreeMap<String, String>,
}

impl<'a> File<'a> {
    /// Without pipes.
    fn new(lab: &'a Lab) -> Self {
        Self { lab, pipes: BTreeMap::new() }
    }

    /// Has a pipe that decrypts, in place of one of the same name; `more` are
    /// further lines.
    fn decrypt(
        &mut self,
        name: &str,
        source: &dyn Display,
        target: &dyn Display,
        more: &str,
    ) -> &mut Self {
        let key = if more.contains("key = ") { "" } else { "key = \"key\"\n" };
        let text = format!(
            "[pipe.{name}]\nmode = \"decrypt\"\nsource = \"{source}\"\ntarget = \"{target}\"\n{key}{more}\n"
        );
        self.pipes.insert(name.to_owned(), text);
        self
    }

    /// Has no such pipe any more.
    fn remove(&mut self, name: &str) -> &mut Self {
        assert!(self.pipes.remove(name).is_some());
        self
    }

    /// What it holds.
    fn text(&self) -> String {
        let mut text =
            format!("control = \"{}\"\nlog-level = \"info\"\n", control(self.lab).display());
        for pipe in self.pipes.values() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{pipe}");
        }
        text
    }

    /// Puts it in place, at once and as a whole.
    fn write(&self) {
        replace(self.lab, &self.text());
    }
}

/// Puts a text in the place of the file of settings, at once and as a whole.
fn replace(lab: &Lab, text: &str) {
    let new = lab.write("spiped.toml.new", text);
    std::fs::rename(new, lab.path(NAME)).unwrap();
}

fn control(lab: &Lab) -> PathBuf {
    lab.path("control")
}

/// Starts a daemon with the file, and waits until it listens there.
#[track_caller]
fn start(lab: &Lab, sources: &[&Endpoint]) -> Process {
    start_with(lab, sources, &[])
}

/// The same, through another program that execs it.
#[track_caller]
fn start_with(lab: &Lab, sources: &[&Endpoint], wrapper: &[&str]) -> Process {
    let program = Program::Spiped.path(Origin::Ours);
    let mut command = match wrapper.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.args(["-F", "--config", NAME]).current_dir(lab.directory());
    let mut process = Process::spawn(command);
    wait::until("the daemon listened on all sources", || {
        assert!(process.is_running(), "the daemon ended instead");
        control(lab).exists() && sources.iter().all(|source| proc::is_listening(source))
    });
    process
}

/// Has the daemon read the file again. The exit code is the verdict.
#[track_caller]
fn reload(lab: &Lab) -> Exit {
    ask(lab, &["reload"]).wait()
}

/// Runs a command that talks to the daemon.
#[track_caller]
fn ask(lab: &Lab, words: &[&str]) -> Process {
    let control = control(lab);
    let words = [words, &["--control", control.to_str().unwrap()]].concat();
    Process::spawn(Program::Spiped.ours(lab, &words))
}

const NAME: &str = "spiped.toml";
