//! A connection to the daemon's control socket.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::NO_ANSWER;
use crate::control::messages::{Answer, Connection, Outcome, Request, VERSION, Wish};

/// The daemon, at the other end of its control socket.
pub(super) struct Daemon {
    read: BufReader<UnixStream>,
}

impl Daemon {
    /// Connects to the daemon whose control socket this is.
    ///
    /// # Errors
    /// Why nobody is there, and what to do about it.
    pub(super) fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).map_err(|error| explain(path, &error))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { read: BufReader::new(stream) })
    }

    /// Asks for what has a single line as its answer. It may take its time.
    ///
    /// # Errors
    /// When the daemon is gone, or says what it should not.
    pub(super) fn ask_briefly(&mut self, wish: Wish) -> Result<Outcome> {
        self.ask(wish, |_| bail!(NO_ANSWER))
    }

    /// Asks for connections, each of which goes to `take`.
    ///
    /// # Errors
    /// As for [`ask_briefly`](Self::ask_briefly), and those of `take`.
    pub(super) fn ask(
        &mut self,
        wish: Wish,
        mut take: impl FnMut(Connection) -> Result<()>,
    ) -> Result<Outcome> {
        let request = serde_json::to_string(&Request::new(wish))? + "\n";
        let asked = self.read.get_mut().write_all(request.as_bytes());
        loop {
            // Whoever does not take the request has said why.
            let line = match (&asked, self.next_line()) {
                (Ok(()), line) | (Err(_), line @ Ok(_)) => line?,
                (Err(error), Err(_)) => bail!("The daemon cannot be reached any more: {error}"),
            };
            match serde_json::from_slice(&line).context("The daemon sent an invalid answer")? {
                Line::Connection(connection) => take(connection)?,
                Line::Answer(Answer { version: VERSION, result }) => return Ok(result),
                Line::Answer(Answer { version, .. }) => bail!(
                    "The daemon speaks version {version} of the control protocol, and this \
                     program version {VERSION}: restart the daemon, or use the program that was \
                     installed with it"
                ),
            }
        }
    }

    fn next_line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let read = self.read.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
        read.context("The daemon cannot be reached any more")?;
        if line.last() != Some(&b'\n') {
            bail!("The daemon closed the connection without an answer: see its log");
        }
        Ok(line)
    }
}

/// A line from the daemon.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Line {
    Answer(Answer),
    Connection(Connection),
}

fn explain(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        anyhow!(
            "There is no control socket {path}: start spiped with --control {path} or `control = \
             \"{path}\"` in its file, or name another one with --control PATH"
        )
    } else if error.kind() == io::ErrorKind::ConnectionRefused {
        anyhow!(
            "No daemon listens on the control socket {path}: the one that created it has ended \
             (start it again, or name another one with --control PATH)"
        )
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        anyhow!(
            "No permission to use the control socket {path}: only root and the user that the \
             daemon runs as have it"
        )
    } else {
        anyhow!("Cannot connect to the control socket {path} (--control): {error}")
    }
}

/// For a request, which the daemon always has time to read.
const PATIENCE: Duration = Duration::from_secs(10);
/// A status of more pipes and keys than anybody has.
const LINE_MAX: u64 = 1 << 30;
