//! What the component costs in a host.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use spiped_tests::foreign::absolute;

use crate::Host;

/// What a host's own program has measured, by name, with so many repetitions.
///
/// # Panics
/// If that fails.
#[must_use]
pub fn figures(host: &Host, repetitions: u32) -> BTreeMap<String, f64> {
    let mut words = host.figures.iter().map(|word| absolute(word));
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).arg(repetitions.to_string()).stdin(Stdio::null());
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let figures = text.lines().map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    figures.collect()
}
