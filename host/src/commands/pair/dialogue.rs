//! What is said to the user, and what the user says.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Stdin, Write as _, stdin};
use std::os::fd::AsFd;
use std::thread;

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::error::PairError;
use crate::commands::pair::code::Code;

/// A line to standard error: standard output is for the result.
pub(super) fn say(text: &str) {
    // If nobody can read it, the time limit ends the run.
    let _ = writeln!(io::stderr(), "{text}");
}

/// What the user says of the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Same,
    Different,
}

/// Shows the string and asks until the user has typed `yes` or `no`.
pub(super) async fn same_on_both(string: &str) -> Result<Answer, PairError> {
    // What was typed before the question is no answer to it. Afterwards, whoever types as
    // soon as the question is there would lose the answer.
    if stdin().is_terminal() {
        let _ = tcflush(stdin(), QueueSelector::IFlush);
    }
    say(&format!("\n    {string}\n\nDo both screens show the same text? [yes/no]"));
    loop {
        let Some(line) = line().await? else {
            return if stdin().is_terminal() {
                Ok(Answer::Different)
            } else {
                Err(PairError::NoAnswer)
            };
        };
        match line.trim_ascii() {
            b"yes" => return Ok(Answer::Same),
            b"no" => return Ok(Answer::Different),
            _ => say("Type yes or no. Do both screens show the same text? [yes/no]"),
        }
    }
}

/// Asks for the code, without an echo at a terminal.
pub(super) async fn code() -> Result<Code, PairError> {
    let silence = Silence::new(stdin());
    if silence.is_some() {
        say("Code:");
    }
    let line = line().await?.ok_or(PairError::NoCode)?;
    drop(silence);
    // What is not in UTF-8 is not in ASCII.
    let text = str::from_utf8(&line).unwrap_or("\u{fffd}");
    Ok(Code::new(text)?)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence {
    terminal: Stdin,
    before: Termios,
}

impl Silence {
    /// `None` if it is no terminal.
    fn new(terminal: Stdin) -> Option<Self> {
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // The line feed shows that the line was taken.
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

/// The next line of standard input, without what follows it; `None` at its
/// end.
async fn line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let (sender, receiver) = oneshot::channel();
    // A thread that the end of the program does not wait for.
    thread::Builder::new().name("stdin".into()).spawn(move || sender.send(read_line()))?;
    receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
}

/// Byte by byte, without the buffer of `std::io::Stdin`, which would keep a
/// code.
fn read_line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut input = File::from(stdin().as_fd().try_clone_to_owned()?);
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    let mut byte = Zeroizing::new([0]);
    while line.len() < LINE_MAX {
        match input.read(&mut *byte) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(line))
}

/// More than the longest code.
const LINE_MAX: usize = 2048;
