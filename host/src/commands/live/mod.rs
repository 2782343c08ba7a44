//! The commands that talk to the daemon that runs: docs/control.md.

mod connection;
mod screen;
mod table;
mod watch;

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::commands::{DropWords, ListWords, LogLevelWords, ReloadWords, StatusWords};
use crate::control::messages::{Outcome, Said, Wish};
use crate::control::overview::Overview;
use crate::control::words::count;
use crate::observe::escape;
use connection::Daemon;

/// Shows how everything is.
pub(crate) fn status(words: &StatusWords) -> Result<ExitCode> {
    let mut daemon = Daemon::connect(&words.control)?;
    if words.watch {
        return watch::watch(&mut daemon);
    }
    let first = overview(&mut daemon)?;
    if words.json {
        return print(&(serde_json::to_string(&first)? + "\n"));
    }
    thread::sleep(RATE_PERIOD);
    let second = overview(&mut daemon)?;
    print(&table::status(&second, Some(&first)))
}

/// Shows all connections.
pub(crate) fn list(words: &ListWords) -> Result<ExitCode> {
    let mut daemon = Daemon::connect(&words.control)?;
    let mut out = io::stdout().lock();
    if !words.json {
        write_or_stop(&mut out, &table::list_heading())?;
    }
    let answer = daemon.ask(Wish::List, |connection| {
        let line = if words.json {
            serde_json::to_string(&connection)? + "\n"
        } else {
            table::list_line(&connection)
        };
        write_or_stop(&mut out, &line)
    })?;
    match answer {
        Outcome::Ok(_) => Ok(ExitCode::SUCCESS),
        Outcome::Error(fault) => refused(&fault),
    }
}

/// Ends connections.
pub(crate) fn drop(words: &DropWords) -> Result<ExitCode> {
    let wish = Wish::Drop { what: words.what.clone() };
    match Daemon::connect(&words.control)?.ask_briefly(wish)? {
        Outcome::Ok(Said::Connections(number)) => {
            print(&format!("{} dropped\n", count(number, "connection")))
        }
        other => unexpected(other),
    }
}

/// Has settings and keys read again.
pub(crate) fn reload(words: &ReloadWords) -> Result<ExitCode> {
    let wish = Wish::Reload { dry_run: words.dry_run };
    match Daemon::connect(&words.control)?.ask_briefly(wish)? {
        Outcome::Ok(Said::Reload(said)) => print(&format!("{}\n", clean_lines(&said))),
        other => unexpected(other),
    }
}

/// Says which lines are logged, or changes that.
pub(crate) fn log_level(words: &LogLevelWords) -> Result<ExitCode> {
    let level = words.level.map(|level| level.to_string().to_lowercase());
    match Daemon::connect(&words.control)?.ask_briefly(Wish::LogLevel { level })? {
        Outcome::Ok(Said::LogLevel(level)) => print(&format!("{level}\n")),
        other => unexpected(other),
    }
}

fn overview(daemon: &mut Daemon) -> Result<Overview> {
    match daemon.ask_briefly(Wish::Status)? {
        Outcome::Ok(Said::Status(overview)) => Ok(*overview),
        Outcome::Error(fault) => bail!("{}", clean_lines(&fault)),
        Outcome::Ok(_) => bail!("The daemon's answer is to another question"),
    }
}

fn unexpected(answer: Outcome) -> Result<ExitCode> {
    match answer {
        Outcome::Error(fault) => refused(&fault),
        Outcome::Ok(_) => bail!("The daemon's answer is to another question"),
    }
}

/// One line of the log for each fault.
fn refused(faults: &str) -> Result<ExitCode> {
    for fault in faults.lines() {
        log::error!("{fault}");
    }
    Ok(ExitCode::FAILURE)
}

fn print(text: &str) -> Result<ExitCode> {
    write_or_stop(io::stdout().lock(), text)?;
    Ok(ExitCode::SUCCESS)
}

fn write_or_stop(mut out: impl io::Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// The words of the daemon, line by line.
fn clean_lines(words: &str) -> String {
    words.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// What the rates of `status` are measured over.
const RATE_PERIOD: Duration = Duration::from_millis(500);
