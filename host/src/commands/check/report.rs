//! What was found, on standard output: a line each for people, or JSON.

use std::env;
use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::finding::{Finding, Severity};
use crate::observe::escape;

/// All that was found, in the order of the pipes.
#[derive(Serialize)]
pub(super) struct Report {
    /// How many pipes were looked at, if it could be told which there are.
    pipes: Option<usize>,
    /// How many of the findings are errors.
    errors: usize,
    /// How many are warnings.
    warnings: usize,
    /// What was found.
    findings: Vec<Finding>,
}

impl Report {
    /// A report about so many pipes.
    pub(super) fn new(pipes: Option<usize>, findings: Vec<Finding>) -> Self {
        let count = |wanted| findings.iter().filter(|it| it.severity == wanted).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self { pipes, errors, warnings, findings }
    }

    /// Whether all is well; with `strict`, nothing may even be doubtful.
    pub(super) fn is_good(&self, strict: bool) -> bool {
        self.errors == 0 && !(strict && self.warnings > 0)
    }

    /// Prints it for a person.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn print(&self, coloured: bool) -> Result<()> {
        self.write(io::stdout().lock(), coloured).context(CANNOT_WRITE)
    }

    /// Prints it for a program.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn print_json(&self) -> Result<()> {
        let mut out = io::stdout().lock();
        let written = serde_json::to_writer(&mut out, self).map_err(io::Error::from);
        written.and_then(|()| writeln!(out)).context(CANNOT_WRITE)
    }

    fn write(&self, mut out: impl Write, coloured: bool) -> io::Result<()> {
        for Finding { severity, place, pipe, words } in &self.findings {
            let colour = colour(*severity).filter(|_| coloured);
            let (start, end) = colour.map_or(("", ""), |colour| (colour, PLAIN));
            let (place, words) = (escape(place), escape(words));
            write!(out, "{start}{severity}:{end} {place}: ")?;
            if let Some(pipe) = pipe {
                write!(out, "pipe {}: ", escape(pipe))?;
            }
            writeln!(out, "{words}")?;
        }
        let Self { pipes, errors, warnings, .. } = *self;
        let pipes = pipes.map(|pipes| counted(pipes, "pipe") + ", ").unwrap_or_default();
        let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
        writeln!(out, "{pipes}{errors}, {warnings}")
    }
}

/// Whether standard output shows colours, and is wanted to.
pub(super) fn shows_colours() -> bool {
    io::stdout().is_terminal()
        && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn colour(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Error => Some("\x1b[1;31m"),
        Severity::Warning => Some("\x1b[1;33m"),
        Severity::Note => None,
    }
}

const PLAIN: &str = "\x1b[0m";
const CANNOT_WRITE: &str = "Cannot write to standard output";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_for_people_and_the_last_one_counts() {
        let text = written(&report(), false);
        assert_eq!(
            text,
            "error: file.toml:1:2: pipe redis: bad\\u{1b}\n\
             warning: file.toml:3:4: doubtful\n\
             note: file.toml:5:6: good\n\
             2 pipes, 1 error, 1 warning\n"
        );
        let coloured = written(&report(), true);
        assert!(coloured.starts_with("\x1b[1;31merror:\x1b[0m file.toml"), "{coloured}");
    }

    #[test]
    fn warnings_count_only_if_they_are_to() {
        let of = |severity| Report::new(None, vec![finding(severity, "", None, "")]);
        assert!(of(Severity::Note).is_good(true));
        assert!(of(Severity::Warning).is_good(false));
        assert!(!of(Severity::Warning).is_good(true));
        assert!(!of(Severity::Error).is_good(false));
    }

    fn report() -> Report {
        let findings = vec![
            finding(Severity::Error, "file.toml:1:2", Some("redis"), "bad\x1b"),
            finding(Severity::Warning, "file.toml:3:4", None, "doubtful"),
            finding(Severity::Note, "file.toml:5:6", None, "good"),
        ];
        Report::new(Some(2), findings)
    }

    fn finding(severity: Severity, place: &str, pipe: Option<&str>, words: &str) -> Finding {
        let (place, words) = (place.to_owned(), words.to_owned());
        Finding { severity, place, pipe: pipe.map(Into::into), words }
    }

    fn written(report: &Report, coloured: bool) -> String {
        let mut out = Vec::new();
        report.write(&mut out, coloured).unwrap();
        String::from_utf8(out).unwrap()
    }
}
