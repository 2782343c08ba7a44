//! Status and connections as tables that fit into 80 columns, as far as names
//! let them.

use std::fmt::Write as _;

use crate::control::messages::Connection;
use crate::control::overview::{Attempt, Key, Overview, Pipe, Target};
use crate::control::words::{bytes, count, time};
use crate::observe::escape;

/// How everything is. With an `earlier` overview, the rates since then are in it.
#[must_use]
pub(super) fn status(now: &Overview, earlier: Option<&Overview>) -> String {
    let mut text = heading(now);
    text.push('\n');
    let columns = ["PIPE", "STATE", "OPEN/MAX", "ACCEPTED", "REFUSED", "SENT", "/s", "RECVD", "/s"];
    push_row(&mut text, &columns.map(str::to_owned), &STATUS_COLUMNS);
    for pipe in &now.pipes {
        let before = earlier.and_then(|all| {
            let pipe = all.pipes.iter().find(|other| other.name == pipe.name)?;
            Some((pipe, now.now - all.now))
        });
        push_pipe(&mut text, now, pipe, before);
    }
    text
}

/// Above the lines of [`list_line`].
#[must_use]
pub(super) fn list_heading() -> String {
    let columns = ["ID", "PIPE", "PEER", "KEY", "STAGE", "AGE", "IDLE", "SENT", "RECVD"];
    let mut text = String::new();
    push_row(&mut text, &columns.map(str::to_owned), &LIST_COLUMNS);
    text
}

/// A connection.
#[must_use]
pub(super) fn list_line(connection: &Connection) -> String {
    let Connection { id, pipe, peer, key, stage, seconds, idle_seconds, sent, received } =
        connection;
    let short = |seconds: f64| time(seconds).replace(' ', "");
    let cells = [
        id.to_string(),
        escape(pipe),
        escape(peer),
        key.as_deref().map_or_else(|| "-".to_owned(), escape),
        escape(stage),
        short(*seconds),
        short(*idle_seconds),
        bytes(*sent),
        bytes(*received),
    ];
    let mut text = String::new();
    push_row(&mut text, &cells, &LIST_COLUMNS);
    text
}

fn heading(now: &Overview) -> String {
    let Overview { program_version, pid, log_level, resources, pipes, .. } = now;
    let open = pipes.iter().map(|pipe| pipe.numbers.open).sum();
    let mut text = format!(
        "spiped {}, process {pid}, up {}, log level {}\n{}, {}",
        escape(program_version),
        time(now.now - now.started),
        escape(log_level),
        count(pipes.len() as u64, "pipe"),
        count(open, "connection"),
    );
    // Writing to a string cannot fail.
    if let Some(memory) = resources.memory {
        let _ = write!(text, ", {} of memory", bytes(memory));
    }
    if let (Some(open), Some(max)) = (resources.descriptors, resources.descriptors_max) {
        let _ = write!(text, ", {open} of {max} descriptors");
    }
    text.push('\n');
    for (attempt, done, failed) in [
        (&now.last_reload, "reloaded", "RELOAD FAILED"),
        (&now.last_upgrade, "upgraded", "UPGRADE FAILED"),
    ] {
        let Some(Attempt { when, succeeded, said }) = attempt else { continue };
        let (verdict, ago) = (if *succeeded { done } else { failed }, time(now.now - when));
        let said = escape(&said.replace('\n', "; "));
        push_wrapped(&mut text, "", &format!("{verdict} {ago} ago: {said}"));
    }
    if now.log_lines_lost > 0 {
        let _ = writeln!(text, "{} of the log lost", count(now.log_lines_lost, "line"));
    }
    text
}

/// `before` is what it was so many seconds ago.
fn push_pipe(text: &mut String, all: &Overview, pipe: &Pipe, before: Option<(&Pipe, f64)>) {
    let Pipe { name, state, connections_max, numbers, .. } = pipe;
    let rate = |of: fn(&Pipe) -> u64| {
        let rate = before.filter(|(_, seconds)| *seconds > 0.0).map(|(before, seconds)| {
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "only the first digits are shown"
            )]
            let rate = (of(pipe).saturating_sub(of(before)) as f64 / seconds) as u64;
            rate
        });
        rate.map_or_else(String::new, bytes)
    };
    let state = if state == "waiting-for-dns" { "waiting" } else { state };
    let mut name = escape(name);
    if name.chars().count() > NAME_WIDTH {
        // As the command line's pipes are called.
        text.push_str(&name);
        text.push('\n');
        name.clear();
    }
    let cells = [
        name,
        escape(state),
        format!("{}/{connections_max}", numbers.open),
        numbers.accepted.to_string(),
        numbers.refused_in_all().to_string(),
        bytes(numbers.sent),
        rate(|pipe| pipe.numbers.sent),
        bytes(numbers.received),
        rate(|pipe| pipe.numbers.received),
    ];
    push_row(text, &cells, &STATUS_COLUMNS);
    push_details(text, all, pipe);
}

/// What is worth a line of its own.
fn push_details(text: &mut String, all: &Overview, pipe: &Pipe) {
    let Pipe { state, numbers, strangers, strangers_waiting, sandbox_traps, .. } = pipe;
    let mut line = |words: &str| push_wrapped(text, INDENT, words);
    if state == "waiting-for-dns" {
        line("waits for a name to be resolved (wait-for-dns)");
    }
    let refused = numbers.refused.iter().filter(|(_, count)| **count > 0);
    let reasons: Vec<_> = refused.map(|(why, count)| format!("{} {count}", escape(why))).collect();
    if !reasons.is_empty() {
        line(&format!("refused: {}", reasons.join(", ")));
    }
    if strangers + strangers_waiting > 0 {
        line(&format!("strangers: {strangers} listened to, {strangers_waiting} waiting"));
    }
    if *sandbox_traps > 0 {
        line(&format!("sandbox: {}", count(*sandbox_traps, "failure")));
    }
    for Target { address, reachable, since, last_error } in &pipe.targets {
        let since = time(all.now - since);
        let health = match (reachable, last_error) {
            (Some(true), _) => format!("reachable ({since})"),
            (Some(false), Some(error)) => format!("DOWN ({since}): {}", escape(error)),
            (Some(false), None) => format!("DOWN ({since})"),
            (None, _) => "not tried yet".to_owned(),
        };
        line(&format!("target {}: {health}", escape(address)));
    }
    let key = |Key { name, in_use, numbers }: &Key| {
        let removed = if *in_use { "" } else { ", removed" };
        format!("{} ({}{removed})", escape(name), numbers.open)
    };
    let keys: Vec<_> = pipe.keys.iter().map(key).collect();
    if !keys.is_empty() {
        line(&format!("keys (open): {}", keys.join(", ")));
    }
}

/// How wide a column is, and on which side its cells are.
enum Column {
    Left(usize),
    Right(usize),
}

use Column::{Left, Right};

const NAME_WIDTH: usize = 16;

const STATUS_COLUMNS: [Column; 9] = [
    Left(NAME_WIDTH),
    Left(9),
    Right(11),
    Right(8),
    Right(7),
    Right(5),
    Right(5),
    Right(5),
    Right(5),
];

const LIST_COLUMNS: [Column; 9] =
    [Right(7), Left(12), Left(24), Left(10), Left(13), Right(8), Right(8), Right(5), Right(5)];

/// A cell that is too wide moves the others, up to the next narrow one.
fn push_row<const N: usize>(text: &mut String, cells: &[String; N], columns: &[Column; N]) {
    let mut line = String::new();
    let mut end = 0;
    for (cell, column) in cells.iter().zip(columns) {
        let (Left(width) | Right(width)) = column;
        let start = end + usize::from(end > 0);
        end = start + width;
        if cell.is_empty() {
            continue;
        }
        let used = line.chars().count();
        let gap = match column {
            Left(_) => start.saturating_sub(used),
            Right(_) => end.saturating_sub(cell.chars().count()).saturating_sub(used),
        };
        let gap = gap.max(usize::from(used > 0));
        line.extend(std::iter::repeat_n(' ', gap));
        line.push_str(cell);
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// In lines of so many columns, as far as words let them, each with this indent.
fn push_wrapped(text: &mut String, indent: &str, words: &str) {
    let mut line = indent.to_owned();
    for word in words.split(' ') {
        let is_first = line.chars().count() <= indent.len() + HANGING.len();
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = format!("{indent}{HANGING}");
        } else if line.len() > indent.len() && !line.ends_with(HANGING) {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

const WIDTH: usize = 79;
const INDENT: &str = "    ";
const HANGING: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::overview::{Account, Resources};

    #[test]
    fn status_fits_into_eighty_columns() {
        let pipe = |name: &str| Pipe {
            name: name.to_owned(),
            state: "listening".to_owned(),
            connections_max: 65_536,
            numbers: Account {
                open: 65_536,
                accepted: 12_345_678,
                refused: [("wrong-key".to_owned(), 5), ("time-limit".to_owned(), 0)].into(),
                sent: u64::MAX,
                ..Account::default()
            },
            keys: (0..40).map(|_| Key { name: "somebody".to_owned(), ..Key::default() }).collect(),
            ..Pipe::default()
        };
        let now = overview(vec![pipe("redis"), pipe("evil\u{1b}[2J")], 11.0);
        let text = status(&now, Some(&overview(vec![pipe("redis")], 10.0)));
        assert!(text.lines().all(|line| line.chars().count() < 80), "{text}");
        assert!(!text.contains('\u{1b}') && text.contains("refused: wrong-key 5\n"), "{text}");
    }

    #[test]
    fn rates_are_what_was_moved_in_between() {
        let at = |sent, now| {
            let numbers = Account { sent, ..Account::default() };
            let pipe = Pipe { name: "redis".to_owned(), numbers, ..Pipe::default() };
            overview(vec![pipe], now)
        };
        let text = status(&at(5 << 20, 12.0), Some(&at(1 << 20, 10.0)));
        assert!(text.contains(" 5.0M  2.0M"), "{text}");
        let text = status(&at(5 << 20, 12.0), None);
        assert!(text.contains(" 5.0M "), "{text}");
    }

    #[test]
    fn wide_cell_moves_as_few_as_possible() {
        let mut text = String::new();
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        for cells in [row(["a", "b", "1"]), row(["long name", "b", "1"])] {
            push_row(&mut text, &cells, &[Left(3), Left(3), Right(5)]);
        }
        assert_eq!(text, "a   b       1\nlong name b 1\n");
    }

    fn overview(pipes: Vec<Pipe>, now: f64) -> Overview {
        Overview {
            program_version: "0".to_owned(),
            pid: 1,
            now,
            started: 0.0,
            last_reload: None,
            last_successful_reload: 0.0,
            last_upgrade: None,
            upgrades: 0,
            upgrades_failed: 0,
            log_level: "info".to_owned(),
            log_lines_lost: 0,
            log_lines_suppressed: 0,
            resources: Resources::default(),
            pipes,
        }
    }
}
