//! What is said to the user, and what the user says.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _, stdin};
use std::os::fd::AsFd;
use std::thread;

use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// A line to standard error: standard output is for the result.
pub(super) fn say(text: &str) {
    // If nobody can read it, the time limit ends the run.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Shows the string and waits for the user's word on it. Only a whole `yes`
/// is one.
pub(super) async fn same_on_both(string: &str) -> bool {
    say(&format!("\n    {string}\n\nDo both screens show the same? [yes/no]"));
    // What was typed before the question is no answer to it.
    if stdin().is_terminal() {
        let _ = tcflush(stdin(), FlushArg::TCIFLUSH);
    }
    line().await.is_ok_and(|line| line.trim_ascii() == b"yes")
}

/// The next line of standard input, without what follows it.
pub(super) async fn line() -> io::Result<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = oneshot::channel();
    // A thread that the end of the program does not wait for.
    thread::Builder::new().name("stdin".into()).spawn(move || sender.send(read_line()))?;
    receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
}

/// Byte by byte, without the buffer of `std::io::Stdin`, which would keep a
/// code.
fn read_line() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut input = File::from(stdin().as_fd().try_clone_to_owned()?);
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    let mut byte = Zeroizing::new([0]);
    while line.len() < LINE_MAX {
        match input.read(&mut *byte) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(line)
}

/// More than the longest code.
const LINE_MAX: usize = 2048;
