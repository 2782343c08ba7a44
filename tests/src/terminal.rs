//! A terminal and its user.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::pty::{OpenptyResult, Winsize, openpty};

use crate::bash::{Bash, Status};
use crate::wait;

/// A shell at a terminal. Programs that are started there find a terminal at all
/// their streams.
pub struct Terminal {
    bash: Bash,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// The command that runs, and what the screen had before it.
    running: (String, usize),
}

impl Terminal {
    /// Opens one. The command runs `bash` without arguments.
    #[track_caller]
    pub fn open(command: Command) -> Self {
        let size = Winsize { ws_row: 50, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let bash = Bash::start(command, slave);
        let keyboard = File::from(master);
        let screen = Arc::default();
        watch(keyboard.try_clone().unwrap(), &screen);
        Self { bash, keyboard, screen, running: (String::new(), 0) }
    }

    /// Types a command and waits until it has succeeded. What it printed.
    ///
    /// # Panics
    /// If it fails, or takes too long.
    #[track_caller]
    pub fn enter(&mut self, command: &str) -> String {
        self.start(command);
        self.finish()
    }

    /// Types a command, and does not wait.
    #[track_caller]
    pub fn start(&mut self, command: &str) {
        self.running = (command.into(), self.shows().len());
        self.bash.run(command, "<&1");
    }

    /// Waits until the command has succeeded. What it printed.
    ///
    /// # Panics
    /// If it fails, or takes too long.
    #[track_caller]
    pub fn finish(&mut self) -> String {
        let (command, before) = self.running.clone();
        let mut answered = before;
        let status = wait::within(PATIENCE, &format!("this ended: {command}"), || {
            let shown = self.shows();
            for (question, answer) in QUESTIONS {
                if shown[answered..].trim_end().ends_with(question) {
                    answered = shown.len();
                    self.say(answer);
                }
            }
            self.bash.status()
        });
        let printed = self.shows().split_off(before);
        assert_eq!(status, Status::Went(0), "this failed: {command}\n{printed}");
        printed
    }

    /// Types a line for the program that runs.
    #[track_caller]
    pub fn say(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Waits until a text is on the screen since the last command.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let (command, before) = &self.running;
        wait::until(&format!("{text:?} was printed by {command}"), || {
            self.shows()[*before..].contains(text)
        });
    }

    /// Everything that was on the screen.
    pub fn shows(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).replace('\r', "")
    }
}

/// Questions of programs that have only one useful answer.
const QUESTIONS: [(&str, &str); 1] = [("Do you want to continue? [Y/n]", "y")];

/// Installing a package takes longer than anything else that a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Collects what is printed, until the last program at the terminal has ended.
fn watch(mut terminal: File, screen: &Arc<Mutex<Vec<u8>>>) {
    let screen = Arc::clone(screen);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = terminal.read(&mut bytes) {
            screen.lock().unwrap().extend_from_slice(&bytes[..len]);
        }
    });
}

impl Drop for Terminal {
    #[allow(clippy::print_stderr, reason = "part of a failed test's report")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- on the screen:\n{}", self.shows());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Terminal {
        let mut bash = Command::new("bash");
        bash.env("TERM", "dumb");
        Terminal::open(bash)
    }

    #[test]
    fn shell_keeps_its_state_and_programs_find_a_terminal() {
        let mut terminal = terminal();
        assert_eq!(terminal.enter("x='a b'"), "");
        assert_eq!(
            terminal.enter("test -t 0 && test -t 1 && test -t 2 && echo \"it's $x\""),
            "it's a b\n"
        );
    }

    #[test]
    fn questions_are_answered() {
        let mut terminal = terminal();
        terminal.start("read -p 'Name? ' name && read -p 'Do you want to continue? [Y/n] ' yes && echo $name $yes");
        terminal.wait_for("Name?");
        terminal.say("db1");
        assert!(terminal.finish().ends_with("\ndb1 y\n"));
    }

    #[test]
    #[should_panic(expected = "this failed: echo why; false\nwhy\n")]
    fn failure_shows_what_was_printed() {
        terminal().enter("echo why; false");
    }
}
