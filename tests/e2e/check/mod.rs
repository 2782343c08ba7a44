//! `spiped check`: what it finds, where, and that looking changes nothing.

mod file;
mod keys;
mod peer;
mod settings;
mod sources;

use spiped_tests::{Exit, Lab, Process, Program};

/// Runs `spiped check` with these words.
#[track_caller]
fn check(lab: &Lab, words: &[&str]) -> Checked {
    let words = [&["check"], words].concat();
    Checked(Process::spawn(Program::Spiped.ours(lab, &words)).wait())
}

/// What came of it.
struct Checked(Exit);

impl Checked {
    /// Checks for exit code 0, whatever the warnings.
    #[track_caller]
    fn expect_good(&self) -> &Self {
        assert_eq!(self.0.code(), Some(0), "{}", self.text());
        self
    }

    /// Checks for exit code 1.
    #[track_caller]
    fn expect_bad(&self) -> &Self {
        assert_eq!(self.0.code(), Some(1), "{}", self.text());
        self
    }

    /// Checks for a line that begins and goes on like this.
    #[track_caller]
    fn expect_line(&self, start: &str, words: &str) -> &Self {
        let text = self.text();
        let found = text.lines().any(|line| line.starts_with(start) && line.contains(words));
        assert!(found, "no {start:?} with {words:?} in\n{text}");
        self
    }

    /// Checks the last line, and that nothing was said elsewhere.
    #[track_caller]
    fn expect_sum(&self, sum: &str) -> &Self {
        assert_eq!(self.text().lines().last(), Some(sum), "{}", self.text());
        assert_eq!(self.0.stderr, "");
        self
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }
}
