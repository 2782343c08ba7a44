//! Where log lines go: standard error, the journal behind it, or syslog.
//!
//! One line per event, written at once, with control characters escaped: no
//! peer can add a line of its own.

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};
use nix::sys::stat::fstat;

/// Starts logging to standard error. `program` starts every line; without it
/// nothing is logged. Call it once.
#[must_use = "it may have to change to syslog"]
pub fn install(program: &str, level: LevelFilter) -> LogHandle {
    let stderr = if stderr_is_journal() { Stderr::Journal } else { Stderr::Plain };
    // Lives as long as the process: `log` wants that.
    let logger: &'static Logger = Box::leak(Box::new(Logger {
        program: program.to_owned(),
        level,
        stderr,
        syslog: OnceLock::new(),
    }));
    if log::set_logger(logger).is_ok() {
        log::set_max_level(level);
    }
    LogHandle(logger)
}

/// The log of this process.
#[derive(Clone, Copy, Debug)]
pub struct LogHandle(&'static Logger);

impl LogHandle {
    /// From now on, logs to syslog only. Call it in the process that goes on
    /// to log: its id is part of every line.
    ///
    /// # Errors
    ///
    /// When no syslog listens on `/dev/log`; lines then go on to standard
    /// error.
    pub fn switch_to_syslog(self) -> io::Result<()> {
        let syslog = Syslog::open(Path::new("/dev/log")).map_err(|cause| {
            io::Error::new(cause.kind(), format!("Cannot log to /dev/log: {cause}"))
        })?;
        // A second switch changes nothing.
        let _ = self.0.syslog.set(syslog);
        Ok(())
    }

    /// Writes lines that were asked for, also those of a level that is not
    /// written otherwise. Waits for a reader that falls behind, for a while in
    /// all: blocks.
    pub fn answer(self, level: Level, lines: &[String]) {
        let deadline = Instant::now() + PATIENCE;
        for line in lines {
            while let Err(error) = self.0.write(level, line)
                && error.kind() == io::ErrorKind::WouldBlock
                && Instant::now() < deadline
            {
                thread::sleep(PAUSE);
            }
        }
    }
}

#[derive(Debug)]
struct Logger {
    program: String,
    level: LevelFilter,
    stderr: Stderr,
    syslog: OnceLock<Syslog>,
}

impl Log for Logger {
    /// Libraries are heard only when something is wrong.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
            && (metadata.level() <= Level::Warn || metadata.target().starts_with("spipe"))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // There is nowhere to say that a line is lost.
        let _ = self.write(record.level(), &record.args().to_string());
    }

    fn flush(&self) {}
}

impl Logger {
    fn write(&self, level: Level, message: &str) -> io::Result<()> {
        let message = escape(&without_numbers(message));
        let written = if let Some(syslog) = self.syslog.get() {
            syslog.send(syslog_datagram(level, &self.program, &message).as_bytes())
        } else {
            let line = stderr_line(self.stderr, level, &self.program, &message);
            // Not `write_all`: the rest of a cut line would be a line.
            io::stderr().write(line.as_bytes())
        };
        written.map(drop)
    }
}

/// What reads our standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stderr {
    /// A terminal, a file, a pipe.
    Plain,
    /// The journal, which takes a priority at the start of a line.
    Journal,
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

/// A syslog daemon on a datagram socket. Addressed anew each time, so that it
/// may be restarted.
#[derive(Debug)]
struct Syslog {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Syslog {
    fn open(path: &Path) -> io::Result<Self> {
        // Connecting tells whether anybody listens.
        UnixDatagram::unbound()?.connect(path)?;
        let socket = UnixDatagram::unbound()?;
        // A syslog that falls behind must not stop connections.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path: path.to_owned() })
    }

    fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.socket.send_to(datagram, &self.path)
    }
}

fn stderr_line(stderr: Stderr, level: Level, program: &str, message: &str) -> String {
    match stderr {
        Stderr::Plain => format!("{program}: {message}\n"),
        // The journal knows the program's name.
        Stderr::Journal => format!("<{}>{message}\n", severity(level)),
    }
}

/// RFC 3164 without the time of day: the receiver is on this machine, has the
/// same clock, and knows the time zone.
fn syslog_datagram(level: Level, program: &str, message: &str) -> String {
    let priority = FACILITY_USER + severity(level);
    let message = &message[..message.floor_char_boundary(SYSLOG_MESSAGE_MAX)];
    format!("<{priority}>{program}[{}]: {message}", process::id())
}

fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Leaves out the numbers that Rust adds to the system's words for an error.
fn without_numbers(message: &str) -> String {
    let mut parts = message.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A part that does not begin with a number in brackets is not ours.
        match part.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => words.push_str(rest),
            _ => words.extend([" (os error ", part]),
        }
    }
    words
}

fn escape(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// How long lines that were asked for wait to be taken.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1);

const FACILITY_USER: u8 = 1 << 3;
/// Where the original cuts.
const SYSLOG_MESSAGE_MAX: usize = 4095;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn line_starts_with_the_program() {
        let line = |stderr| stderr_line(stderr, Level::Warn, "spiped", "text");
        assert_eq!(line(Stderr::Plain), "spiped: text\n");
        assert_eq!(line(Stderr::Journal), "<4>text\n");
    }

    #[test]
    fn error_numbers_are_left_out() {
        let refused = io::Error::from_raw_os_error(111);
        let line = format!("a: {refused}; b: {refused}, after 1 s");
        let words = "a: Connection refused; b: Connection refused, after 1 s";
        assert_eq!(without_numbers(&line), words);
        for other in ["", "plain", "odd (os error x) text", "cut (os error 1"] {
            assert_eq!(without_numbers(other), other);
        }
    }

    #[test]
    fn control_characters_cannot_make_a_line() {
        assert_eq!(
            escape("a\r\nspiped: forged\t\u{1b}[2J\u{85}é"),
            "a\\r\\nspiped: forged\\t\\u{1b}[2J\\u{85}é"
        );
    }

    #[test]
    fn datagram_has_priority_and_ident() {
        assert_eq!(
            syslog_datagram(Level::Error, "spiped", "text"),
            format!("<11>spiped[{}]: text", process::id())
        );
    }

    #[test]
    fn datagram_is_cut_between_characters() {
        let datagram = syslog_datagram(Level::Info, "s", &format!("{}é", "x".repeat(4094)));
        let (_, message) = datagram.split_once(": ").unwrap();
        assert_eq!(message, "x".repeat(4094));
    }

    #[test]
    fn syslog_may_be_restarted() {
        let path = env::temp_dir().join(format!("spiped-syslog-{}", process::id()));
        assert!(Syslog::open(&path).is_err());

        let listener = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::open(&path).unwrap();
        syslog.send(b"one").unwrap();
        assert_eq!(received(&listener), b"one");

        drop(listener);
        assert!(syslog.send(b"lost").is_err());
        fs::remove_file(&path).unwrap();
        let listener = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"two").unwrap();
        assert_eq!(received(&listener), b"two");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn libraries_are_heard_only_when_something_is_wrong() {
        let logger = Logger {
            program: "spiped".to_owned(),
            level: LevelFilter::Debug,
            stderr: Stderr::Plain,
            syslog: OnceLock::new(),
        };
        let enabled = |target, level| {
            logger.enabled(&Metadata::builder().target(target).level(level).build())
        };
        assert!(enabled("spiped::serve", Level::Debug));
        assert!(enabled("spipe", Level::Info));
        assert!(!enabled("spiped::serve", Level::Trace));
        assert!(enabled("wasmtime", Level::Warn));
        assert!(!enabled("wasmtime", Level::Info));
    }

    fn received(listener: &UnixDatagram) -> Vec<u8> {
        let mut buffer = [0; 64];
        let len = listener.recv(&mut buffer).unwrap();
        buffer[..len].to_vec()
    }
}
