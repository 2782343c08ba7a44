//! Where lines go: standard error, the journal behind it, or syslog. Whoever
//! writes says how long it may wait for the reader.

use std::env;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::io::Errno;

use crate::observe::format::{Format, journal, severity};
use crate::observe::queue::Entry;

/// How long a line may wait to be taken; `None`: for ever.
pub(super) type Patience = Option<Duration>;

/// Where lines go, and in which form.
#[derive(Debug)]
pub(super) struct Sink {
    program: String,
    format: Format,
    stderr: Stderr,
    syslog: Option<Datagrams>,
}

impl Sink {
    /// Standard error, and what is behind it. `program` starts every line.
    pub(super) fn new(program: &str, format: Format) -> Self {
        let kind = if stderr_is_journal() {
            Kind::Journal(Datagrams::to(Path::new(JOURNAL)))
        } else {
            Kind::Plain
        };
        let stderr = Stderr { kind, is_cut: false };
        Self { program: program.to_owned(), format, stderr, syslog: None }
    }

    /// From now on, syslog only.
    ///
    /// # Errors
    /// When none listens.
    pub(super) fn switch_to_syslog(&mut self, path: &Path) -> io::Result<()> {
        let mut syslog = Datagrams::to(path);
        syslog.connect()?;
        self.syslog = Some(syslog);
        Ok(())
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When it has not been taken.
    pub(super) fn write(&mut self, entry: &Entry, patience: Patience) -> io::Result<()> {
        let Self { program, format, stderr, syslog } = self;
        match syslog {
            Some(syslog) => {
                let line = format.line(program, entry);
                let priority = FACILITY_USER + severity(entry.event.level);
                syslog.send(syslog_datagram(priority, program, &line).as_bytes(), patience)
            }
            None => stderr.write(program, *format, entry, patience),
        }
    }
}

/// Standard error.
#[derive(Debug)]
struct Stderr {
    kind: Kind,
    /// Whether the last line is not there to its end.
    is_cut: bool,
}

/// What reads our standard error.
#[derive(Debug)]
enum Kind {
    /// A terminal, a file, a pipe.
    Plain,
    /// The journal. It takes fields on a socket of its own, or lines that
    /// start with a priority.
    Journal(Datagrams),
}

impl Stderr {
    fn write(
        &mut self,
        program: &str,
        format: Format,
        entry: &Entry,
        patience: Patience,
    ) -> io::Result<()> {
        let line = format.line(program, entry);
        let line = match (&mut self.kind, format) {
            (Kind::Plain, Format::Text) => format!("{program}: {line}\n"),
            (Kind::Plain, Format::Json) => line + "\n",
            (Kind::Journal(datagrams), format) => {
                if format == Format::Text
                    && datagrams.send(journal(program, entry).as_bytes(), patience).is_ok()
                {
                    return Ok(());
                }
                // It knows the program's name.
                format!("<{}>{line}\n", severity(entry.event.level))
            }
        };
        if self.is_cut {
            write_all(b"\n", patience)?;
            self.is_cut = false;
        }
        match write_all(line.as_bytes(), patience) {
            Ok(()) => Ok(()),
            Err(Unwritten { written, error }) => {
                self.is_cut = written > 0;
                Err(error)
            }
        }
    }
}

/// What was not taken to its end.
struct Unwritten {
    written: usize,
    error: io::Error,
}

impl From<Unwritten> for io::Error {
    fn from(unwritten: Unwritten) -> Self {
        unwritten.error
    }
}

/// Writes to standard error, past the lock of the standard library: nobody
/// else shall wait for it.
fn write_all(line: &[u8], patience: Patience) -> Result<(), Unwritten> {
    let stderr = rustix::stdio::stderr();
    let mut written = 0;
    while written < line.len() {
        let unwritten = |error| Unwritten { written, error };
        // Whoever has patience waits in the write: a pipe may have room for a
        // line and not be writable.
        if patience.is_some() {
            wait_writable(stderr, patience).map_err(unwritten)?;
        }
        // A pipe that is writable takes so much without making us wait.
        let end = line.len().min(written + PIPE_BUF);
        match rustix::io::write(stderr, &line[written..end]) {
            Ok(0) => return Err(unwritten(io::ErrorKind::WriteZero.into())),
            Ok(len) => written += len,
            Err(Errno::INTR) => {}
            // Somebody has made it non-blocking.
            Err(Errno::AGAIN) => wait_writable(stderr, patience).map_err(unwritten)?,
            Err(error) => return Err(unwritten(error.into())),
        }
    }
    Ok(())
}

/// Waits until the descriptor takes something, or has failed.
fn wait_writable(fd: impl AsFd, patience: Patience) -> io::Result<()> {
    // Longer than that is for ever.
    let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], timeout.as_ref()) {
            Ok(0) => return Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The journal names its stream by device and inode, so that a program whose
/// standard error was redirected since can tell.
fn stderr_is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(io::stderr().as_fd())
        .is_ok_and(|status| stream == format!("{}:{}", status.st_dev, status.st_ino))
}

/// A reader of datagrams at a path, which may be restarted.
#[derive(Debug)]
struct Datagrams {
    path: PathBuf,
    /// Connected, so that we can wait for the reader.
    socket: Option<UnixDatagram>,
}

impl Datagrams {
    fn to(path: &Path) -> Self {
        Self { path: path.to_owned(), socket: None }
    }

    fn connect(&mut self) -> io::Result<&UnixDatagram> {
        let socket = if let Some(socket) = self.socket.take() {
            socket
        } else {
            let socket = UnixDatagram::unbound()?;
            socket.connect(&self.path)?;
            socket.set_nonblocking(true)?;
            socket
        };
        Ok(self.socket.insert(socket))
    }

    fn send(&mut self, datagram: &[u8], patience: Patience) -> io::Result<()> {
        let was_connected = self.socket.is_some();
        match self.try_send(datagram, patience) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            Err(error) => {
                // Perhaps there is another one by now.
                self.socket = None;
                if was_connected { self.try_send(datagram, patience) } else { Err(error) }
            }
            Ok(()) => Ok(()),
        }
    }

    fn try_send(&mut self, datagram: &[u8], patience: Patience) -> io::Result<()> {
        let socket = self.connect()?;
        loop {
            wait_writable(socket, patience)?;
            match socket.send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && patience.is_none() => {}
                result => return result.map(drop),
            }
        }
    }
}

/// RFC 3164 without the time of day: the receiver is on this machine, has the
/// same clock, and knows the time zone.
fn syslog_datagram(priority: u8, program: &str, line: &str) -> String {
    let line = &line[..line.floor_char_boundary(SYSLOG_MESSAGE_MAX)];
    format!("<{priority}>{program}[{}]: {line}", process::id())
}

/// Where the journal takes fields.
const JOURNAL: &str = "/run/systemd/journal/socket";

const FACILITY_USER: u8 = 1 << 3;
/// Where the original cuts.
const SYSLOG_MESSAGE_MAX: usize = 4095;

/// What Linux writes to a pipe at once.
const PIPE_BUF: usize = 4096;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn datagram_has_priority_and_ident() {
        let datagram = format!("<11>spiped[{}]: text", process::id());
        assert_eq!(syslog_datagram(11, "spiped", "text"), datagram);
    }

    #[test]
    fn datagram_is_cut_between_characters() {
        let datagram = syslog_datagram(14, "s", &format!("{}é", "x".repeat(4094)));
        let (_, message) = datagram.split_once(": ").unwrap();
        assert_eq!(message, "x".repeat(4094));
    }

    #[test]
    fn reader_of_datagrams_may_be_restarted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut datagrams = Datagrams::to(&path);
        assert!(datagrams.send(b"nobody", None).is_err());

        let listener = UnixDatagram::bind(&path).unwrap();
        datagrams.send(b"one", None).unwrap();
        assert_eq!(received(&listener), b"one");

        drop(listener);
        assert!(datagrams.send(b"lost", None).is_err());
        fs::remove_file(&path).unwrap();
        let listener = UnixDatagram::bind(&path).unwrap();
        datagrams.send(b"two", None).unwrap();
        assert_eq!(received(&listener), b"two");
    }

    #[test]
    fn reader_that_does_not_read_is_not_waited_for_longer_than_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        let mut datagrams = Datagrams::to(&path);
        while datagrams.send(b"unread", Some(Duration::ZERO)).is_ok() {}
        let error = datagrams.send(b"lost", Some(Duration::from_millis(1))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        while listener.set_nonblocking(true).is_ok() && listener.recv(&mut [0; 64]).is_ok() {}
        datagrams.send(b"read", Some(Duration::ZERO)).unwrap();
        assert_eq!(received(&listener), b"read");
    }

    fn received(listener: &UnixDatagram) -> Vec<u8> {
        let mut buffer = [0; 64];
        let len = listener.recv(&mut buffer).unwrap();
        buffer[..len].to_vec()
    }
}
