//! The commands that talk to the daemon that runs: docs/control.md.

mod connection;
mod screen;
mod table;
mod watch;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::cli::commands::{
    DropWords, ListWords, LogLevelWords, ReloadWords, StatusWords, UpgradeWords,
};
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
        Outcome::Error(fault) => bail!("{fault}"),
    }
}

/// Ends connections.
pub(crate) fn drop(words: &DropWords) -> Result<ExitCode> {
    let wish = Wish::Drop { what: words.what.clone() };
    print_what_is_said(&words.control, wish, |said| {
        let Said::Connections(number) = said else { return None };
        Some(format!("{} dropped", count(number, "connection")))
    })
}

/// Has settings and keys read again.
pub(crate) fn reload(words: &ReloadWords) -> Result<ExitCode> {
    let wish = Wish::Reload { dry_run: words.dry_run };
    print_what_is_said(&words.control, wish, |said| {
        let Said::Reload(said) = said else { return None };
        Some(clean_lines(&said))
    })
}

/// Has the daemon replaced by the program as it is installed now.
pub(crate) fn upgrade(words: &UpgradeWords) -> Result<ExitCode> {
    print_what_is_said(&words.control, Wish::Upgrade { check: words.check }, |said| {
        let Said::Upgrade(said) = said else { return None };
        Some(clean_lines(&said))
    })
}

/// Says which lines are logged, or changes that.
pub(crate) fn log_level(words: &LogLevelWords) -> Result<ExitCode> {
    let level = words.level.map(|level| level.to_string().to_lowercase());
    print_what_is_said(&words.control, Wish::LogLevel { level }, |said| {
        let Said::LogLevel(level) = said else { return None };
        Some(escape(&level))
    })
}

/// Asks for something, and prints what is `shown` of the answer to it. A line of
/// the log for each fault, if it is refused.
fn print_what_is_said(
    control: &Path,
    wish: Wish,
    shown: impl FnOnce(Said) -> Option<String>,
) -> Result<ExitCode> {
    match Daemon::connect(control)?.ask_briefly(wish)? {
        Outcome::Ok(said) => print(&(shown(said).context(NO_ANSWER)? + "\n")),
        Outcome::Error(faults) => {
            for fault in faults.lines() {
                log::error!("{fault}");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn overview(daemon: &mut Daemon) -> Result<Overview> {
    match daemon.ask_briefly(Wish::Status)? {
        Outcome::Ok(Said::Status(overview)) => Ok(*overview),
        Outcome::Error(fault) => bail!("{fault}"),
        Outcome::Ok(_) => bail!(NO_ANSWER),
    }
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

/// A daemon of another version, or none.
const NO_ANSWER: &str = "The daemon sent an answer to another request";

/// What the rates of `status` are measured over.
const RATE_PERIOD: Duration = Duration::from_millis(500);
