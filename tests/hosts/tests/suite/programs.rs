//! Programs of a host that are not in the shape of ours.

use std::process::{Command, Stdio};

use spiped_tests::Lab;
use spiped_tests::foreign::absolute;

/// A command that runs one in the lab's directory, without arguments yet.
pub(crate) fn command(lab: &Lab, words: &[&str]) -> Command {
    let mut words = words.iter().map(|word| absolute(word));
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).current_dir(lab.directory()).stdin(Stdio::null());
    command
}
