//! A reader who follows pages to the letter, on the hosts that they name, and checks
//! what they show.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::book::Step;
use crate::packaged::{debian, packaged};
use crate::{Machine, Process, Shell as _, Terminal, wait};

/// Machines, and a terminal at each.
///
/// The paragraph before a block names its hosts: "On `db1`", "on both hosts". What is
/// in a block depends on its fence:
///
/// - Nothing: commands. They are typed one by one, and all of them have to succeed. If
///   one is `spiped pair`, so is the answer to its question.
/// - `text`: lines that the commands before have printed, or will have soon, on the
///   host that the paragraph names or else on theirs. `…` stands for any words.
/// - Anything else: a file below `/etc`, whose path is in the paragraph.
///
/// Nothing is left out but what is named with a reason.
pub struct Walkthrough<'a> {
    desks: Vec<Desk<'a>>,
    exceptions: &'a [Exception],
    met: Vec<bool>,
    /// The machines of the last block of commands.
    last: Vec<usize>,
    /// The machine where a pairing listens.
    listening: Option<usize>,
}

/// A line that is not typed as it stands.
pub struct Exception {
    /// How it begins.
    pub line: &'static str,
    /// What is done in its place.
    pub instead: Instead,
    /// Why.
    pub reason: &'static str,
}

/// What is done in place of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing, of it or of a block that begins with it.
    Nothing,
    /// It is a target of `make`, and `make` must know how to build it.
    KnownToMake,
}

struct Desk<'a> {
    machine: &'a Machine,
    terminal: Terminal,
    /// What its screen had before the last block of commands.
    before: usize,
}

impl<'a> Walkthrough<'a> {
    /// Opens a terminal at each machine. The package is in the folder where commands are
    /// typed.
    #[track_caller]
    pub fn on(machines: &[&'a Machine], exceptions: &'a [Exception]) -> Self {
        let package = packaged(&debian());
        for machine in machines {
            machine.give(&package);
        }
        let desks = machines.iter().map(|machine| Desk {
            machine,
            terminal: machine.terminal(),
            before: 0,
        });
        let met = vec![false; exceptions.len()];
        Self { desks: desks.collect(), exceptions, met, last: Vec::new(), listening: None }
    }

    /// Does what a block says.
    ///
    /// # Panics
    /// If nothing says where, a command fails, or something else is printed.
    #[track_caller]
    pub fn follow(&mut self, step: &Step) {
        let first = step.text.lines().next().unwrap_or_default();
        let named: Vec<_> = (0..self.desks.len())
            .filter(|&at| step.is_for(self.desks[at].machine.host()))
            .collect();
        if !step.language.is_empty() && self.exception(first).is_some() {
            return;
        }
        match step.language.as_str() {
            "" => self.enter_all(&step.text, named),
            "text" => {
                let places = if named.is_empty() { &self.last } else { &named };
                assert!(!places.is_empty(), "no command printed this:\n{}", step.text);
                for &at in places {
                    self.desks[at].sees(&step.text);
                }
            }
            _ => {
                let file = step.file();
                let file = file.unwrap_or_else(|| panic!("what file is this?\n{}", step.text));
                assert!(!named.is_empty(), "no host is named for {file}");
                for at in named {
                    self.desks[at].writes(file, step);
                }
            }
        }
    }

    /// Checks that all exceptions were met.
    ///
    /// # Panics
    /// If one was not, or a pairing was begun and not finished.
    #[track_caller]
    pub fn finish(self) {
        for (exception, met) in self.exceptions.iter().zip(self.met) {
            assert!(met, "no line begins with {:?}", exception.line);
        }
        assert_eq!(self.listening, None, "a pairing was not finished");
    }

    #[track_caller]
    fn enter_all(&mut self, block: &str, named: Vec<usize>) {
        for &at in &named {
            self.desks[at].before = self.desks[at].terminal.shows().len();
            commands(block).for_each(|command| self.enter(&command, Some(at)));
        }
        if named.is_empty() {
            commands(block).for_each(|command| self.enter(&command, None));
        } else {
            self.last = named;
        }
    }

    #[track_caller]
    fn enter(&mut self, command: &str, at: Option<usize>) {
        let exception = self.exception(command);
        match (exception.map(|exception| exception.instead), at) {
            (Some(Instead::Nothing), _) => {}
            (Some(Instead::KnownToMake), _) => expect_make_knows(command),
            (None, None) => panic!("nothing says where to type {command}"),
            (None, Some(at)) if command.starts_with("spiped pair ") => self.pair(command, at),
            (None, Some(at)) if command.starts_with("ssh root@") => self.ssh(command, at),
            (None, Some(at)) => {
                self.desks[at].terminal.enter(command);
            }
        }
    }

    /// Begins a pairing, or connects to one that has begun and types yes at both ends.
    #[track_caller]
    fn pair(&mut self, command: &str, at: usize) {
        self.desks[at].terminal.start(command);
        let Some(other) = self.listening.take() else {
            self.desks[at].terminal.wait_for("Listening");
            self.listening = Some(at);
            return;
        };
        let ends = [other, at];
        let digits = ends.map(|at| self.desks[at].digits());
        assert_eq!(digits[0], digits[1]);
        for at in ends {
            self.desks[at].terminal.say("yes");
        }
        for at in ends {
            self.desks[at].terminal.finish();
        }
    }

    /// `ssh root@HOST 'COMMAND' < FILE`, as if there were such a login.
    #[track_caller]
    fn ssh(&self, command: &str, at: usize) {
        let (host, rest) = command.strip_prefix("ssh root@").unwrap().split_once(" '").unwrap();
        let (remote, file) = rest.split_once("' < ").expect("a command and a file");
        let there = self.desks.iter().find(|desk| desk.machine.host().to_string() == host);
        let content = self.desks[at].machine.answer(&format!("base64 --wrap=0 {file}"));
        let there = there.unwrap_or_else(|| panic!("there is no host {host}"));
        there.machine.answer(&format!("echo {content} | base64 --decode | ({remote})"));
    }

    fn exception(&mut self, line: &str) -> Option<&'a Exception> {
        let index = self.exceptions.iter().position(|it| line.starts_with(it.line))?;
        self.met[index] = true;
        Some(&self.exceptions[index])
    }
}

impl Desk<'_> {
    #[track_caller]
    fn writes(&self, file: &str, step: &Step) {
        let before = if step.is_added() { self.machine.read(file) } else { String::new() };
        self.machine.write(file, &(before + &step.text));
    }

    /// Waits until these lines have been printed, in this order.
    #[track_caller]
    fn sees(&self, lines: &str) {
        let host = self.machine.host();
        wait::until(&format!("{host} showed this:\n{lines}"), || {
            let screen = self.terminal.shows();
            let mut shown = screen[self.before..].lines();
            let mut wanted = lines.lines().filter(|line| !line.trim().is_empty());
            wanted.all(|line| shown.any(|it| reads(it, line)))
        });
    }

    /// What a pairing shows to be compared.
    #[track_caller]
    fn digits(&self) -> String {
        self.terminal.wait_for("[yes/no]");
        let screen = self.terminal.shows();
        let digits = screen.lines().rev().find(|line| line.starts_with("    ")).expect("digits");
        assert_eq!(digits.chars().filter(char::is_ascii_digit).count(), 12, "{digits}");
        digits.trim().to_owned()
    }
}

/// The commands of a block: as few lines each as are complete to the shell.
fn commands(block: &str) -> impl Iterator<Item = String> {
    let mut lines = block.lines();
    std::iter::from_fn(move || {
        let mut command = lines.next()?.to_owned();
        while !is_complete(&command) {
            let line = lines.next().unwrap_or_else(|| panic!("this is half a command: {command}"));
            command.push('\n');
            command.push_str(line);
        }
        Some(command)
    })
}

fn is_complete(command: &str) -> bool {
    let mut bash = Command::new("bash");
    bash.args(["-n", "-c", command]).stdin(Stdio::null());
    let exit = Process::spawn(bash).wait();
    !command.ends_with('\\') && exit.status.success() && exit.stderr.is_empty()
}

/// Whether a line that was printed is as a page has it.
fn reads(printed: &str, page: &str) -> bool {
    let (mut printed, page) = (printed.split_whitespace(), page.split_whitespace());
    let mut any = false;
    for word in page {
        if word == "…" {
            any = true;
        } else if any {
            any = false;
            if !printed.any(|it| it == word) {
                return false;
            }
        } else if printed.next() != Some(word) {
            return false;
        }
    }
    any || printed.next().is_none()
}

#[track_caller]
fn expect_make_knows(command: &str) {
    let words = command.strip_prefix("make").expect("a command of make").split_whitespace();
    let mut make = Command::new("make");
    make.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).arg("--dry-run");
    make.args(words).env_remove("MAKEFLAGS").env_remove("MAKELEVEL").stdin(Stdio::null());
    Process::spawn(make).wait().expect_success();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_may_have_several_lines() {
        let block = "a 'b\nc' d\ne \\\n  f\nfor x in y; do\n    echo\ndone\ncat <<E\ng\nE\nh\n";
        let expected =
            ["a 'b\nc' d", "e \\\n  f", "for x in y; do\n    echo\ndone", "cat <<E\ng\nE", "h"];
        assert!(commands(block).eq(expected));
    }

    #[test]
    fn dots_stand_for_any_words() {
        for (page, is_same) in [
            ("a b  c d", true),
            ("a … d", true),
            ("a b c d …", true),
            ("…", true),
            ("a b", false),
            ("a b c d e", false),
            ("a … c", false),
            ("a … e …", false),
        ] {
            assert_eq!(reads("a  b c   d", page), is_same, "{page}");
        }
    }
}
