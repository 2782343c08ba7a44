//! The command line: what is refused, in which words, on which stream.

mod accepted;
mod additions;
mod addresses;
mod settings;
mod spipe;
mod spiped;
mod version;

use spiped_tests::{Exit, Lab, Process, Program};

/// What a refused command line is answered with, on standard error.
enum Answer {
    /// The usage, after a line of explanation at most.
    Usage,
    /// A line with this in it, then the usage.
    LineThenUsage(&'static str),
    /// A line with this in it, and no usage.
    Line(&'static str),
}
use Answer::{Line, LineThenUsage, Usage};

/// Checks that each command line is refused, with exit code 1 and its answer.
#[track_caller]
fn refused(program: Program, base: &str, rows: &[(&str, Answer)]) {
    for (words, answer) in rows {
        let line = format!("{base} {words}");
        let exit = run(program, &line);
        let context = format!("{} {line}\n{}", program.name(), exit.stderr);
        assert_eq!(exit.code(), Some(1), "{context}");
        assert_eq!(exit.stdout, b"", "{context}");
        let usage = format!("usage: {} ", program.name());
        let mut lines = exit.stderr.lines();
        let first = lines.next().unwrap_or_default();
        let second = lines.next().unwrap_or_default();
        match answer {
            Usage => {
                let shown = first.starts_with(&usage) || second.starts_with(&usage);
                assert!(shown, "no usage: {context}");
            }
            LineThenUsage(text) => {
                assert!(first.contains(text), "no {text:?}: {context}");
                assert!(second.starts_with(&usage), "no usage: {context}");
            }
            Line(text) => {
                assert!(first.contains(text), "no {text:?}: {context}");
                assert!(!exit.stderr.contains(&usage), "usage: {context}");
            }
        }
    }
}

/// Runs our program on words separated by spaces; `''` is the empty word, and
/// `key` is a key file.
#[track_caller]
fn run(program: Program, line: &str) -> Exit {
    let lab = Lab::new();
    let words: Vec<_> =
        line.split_whitespace().map(|word| if word == "''" { "" } else { word }).collect();
    Process::spawn(program.ours(&lab, &words)).wait()
}
