//! The tables of a page that describes the results, kept up to date in it.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::iter;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::figures::memory::STEPS;
use crate::markdown::{conditions, grouped, noise, number, spread};
use crate::peers::{DIRECT, OURS, OURS_X25519, REFERENCE, UPSTREAM};
use crate::report::{Report, Summary};

/// Puts the tables into `performance.md` in a directory, between the lines that
/// mark their places. If there is no such file, it does nothing.
pub(crate) fn update(report: &Report, directory: &Path) -> Result<()> {
    let path = directory.join("performance.md");
    let page = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        page => page.with_context(|| format!("reading {}", path.display()))?,
    };
    let mut new = page;
    for (name, table) in [("figures", figures(report)), ("memory", growth(report))] {
        // What was not measured stays as it is.
        if let Some(table) = table {
            new = replace(&new, name, &table).with_context(|| format!("in {}", path.display()))?;
        }
    }
    fs::write(&path, new).with_context(|| format!("writing {}", path.display()))
}

/// The text with other content between `<!-- NAME -->` and `<!-- /NAME -->`.
fn replace(text: &str, name: &str, content: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let Some((before, rest)) = text.split_once(&begin) else {
        bail!("no line {begin:?}");
    };
    let (_, after) = rest.split_once(&end).with_context(|| format!("no line {end:?}"))?;
    Ok([before, &begin, "\n", content, "\n", &end, after].concat())
}

/// The table of everything that is compared, and what it was measured on.
fn figures(report: &Report) -> Option<String> {
    let peers = || COLUMNS.iter().filter(|(id, _)| report.peers.contains_key(*id));
    let header = peers().flat_map(|(id, name)| {
        let ratio = (*id == OURS).then(|| "ratio".to_owned());
        iter::once((*name).to_owned()).chain(ratio)
    });
    let header: Vec<_> = iter::once(String::new()).chain(header).collect();
    let rows = ROWS.iter().filter_map(|row| {
        let column = report.column(row.figure, row.column)?;
        let cells = peers().flat_map(|(id, _)| {
            // Ours can do some things in another way.
            let id = match (*id == OURS, row.ours == OURS) {
                (true, _) => row.ours,
                (false, true) => *id,
                (false, false) => "",
            };
            let summary = column.summary(id);
            let ratio = (row.ours == id).then(|| summary.map_or_else(nothing, ratio));
            iter::once(summary.map_or_else(nothing, |s| spread(s, grouped))).chain(ratio)
        });
        let cells: Vec<_> = cells.collect();
        // Nobody has been measured.
        (cells.iter().any(|cell| *cell != nothing()))
            .then(|| iter::once(row.title.to_owned()).chain(cells).collect::<Vec<_>>())
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let mut text = format!(
        "{}. Medians of {} rounds, the least and the greatest in brackets; \"ratio\" is that of the\n\
         medians to {}, with ≈ if the rounds do not agree which of the two is better.\n{}\n\n",
        conditions(report),
        report.rounds,
        COLUMNS[1].1,
        noise(report)
    );
    text += &table(&header, &rows);
    text += "\n";
    for (id, name) in COLUMNS {
        if let Some(version) = report.peers.get(*id).and_then(|peer| peer.version.as_ref()) {
            writeln!(text, "- {name}: {version}").expect("writing to a string");
        }
    }
    Some(text)
}

/// Memory by the number of idle connections.
fn growth(report: &Report) -> Option<String> {
    let figure = report.figures.get("memory-growth")?;
    let most = figure.columns.get("connections")?;
    let peers = || COLUMNS.iter().filter(|(id, _)| most.summary(id).is_some());
    let names = peers().map(|(_, name)| (*name).to_owned());
    let header: Vec<_> = iter::once("connections".to_owned()).chain(names).collect();
    let rows = STEPS.iter().filter_map(|(step, column)| {
        let column = figure.columns.get(column.id)?;
        let cells =
            peers().map(|(id, _)| column.summary(id).map_or_else(nothing, |s| grouped(s.median)));
        let reached = peers().filter_map(|(id, _)| Some(most.summary(id)?.median));
        let step = f64::from(*step).min(reached.fold(0.0, f64::max));
        Some(iter::once(whole(step)).chain(cells).collect())
    });
    Some(table(&header, &rows.collect::<Vec<_>>()))
}

fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let rules = vec!["---".to_owned(); header.len()];
    let rows = rows.iter().map(Vec::as_slice);
    let lines = [header, &rules].into_iter().chain(rows);
    let lines: Vec<_> = lines.map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    lines.concat()
}

fn ratio(summary: &Summary) -> String {
    let sign = if summary.rounds_agree { "" } else { "≈ " };
    summary.ratio.map_or_else(nothing, |ratio| format!("{sign}{}", number(ratio)))
}

fn nothing() -> String {
    "–".into()
}

/// A number of things that are counted.
fn whole(value: f64) -> String {
    let text = grouped(value.max(100.0));
    if value < 100.0 { format!("{value:.0}") } else { text }
}

/// Whom the page shows, and what it calls them.
const COLUMNS: &[(&str, &str)] = &[
    (DIRECT, "without"),
    (REFERENCE, "Debian's spiped"),
    (UPSTREAM, "newest spiped"),
    (OURS, "this"),
    ("stunnel", "stunnel"),
    ("haproxy", "HAProxy"),
];

/// A figure's column, with a title that needs no other.
struct Row {
    figure: &'static str,
    column: &'static str,
    title: &'static str,
    /// The peer that stands for ours; alone, if it is not the usual one.
    ours: &'static str,
}

const fn row(figure: &'static str, column: &'static str, title: &'static str) -> Row {
    Row { figure, column, title, ours: OURS }
}

const fn with_x25519(figure: &'static str, column: &'static str, title: &'static str) -> Row {
    Row { ours: OURS_X25519, ..row(figure, column, title) }
}

const ROWS: &[Row] = &[
    row("bulk-1", "mb_per_s", "MB/s, 1 connection"),
    row("bulk-1", "cpu_s_per_gb", "CPU seconds per GB, 1 connection"),
    row("bulk-8", "mb_per_s", "MB/s, 8 connections"),
    row("bulk-8", "cpu_s_per_gb", "CPU seconds per GB, 8 connections"),
    row("ping-pong", "p50_us", "round trip of 64 bytes, median, µs"),
    row("ping-pong", "p99_us", "the same, 99th percentile, µs"),
    row("ping-pong", "cpu_us_per_round_trip", "CPU µs per round trip"),
    row("ping-pong-pinned", "p50_us", "round trip, all processes on one core, median, µs"),
    row("ping-pong-pinned", "p99_us", "the same, 99th percentile, µs"),
    row("ping-pong-pinned", "cpu_us_per_round_trip", "CPU µs per round trip, on one core"),
    row("ping-pong-storm", "p50_us", "round trip during a storm of new connections, median, µs"),
    row("ping-pong-storm", "p99_us", "the same, 99th percentile, µs"),
    row("redis", "per_s", "Redis GET per second, 50 clients"),
    row("redis-pipelined", "per_s", "the same, 16 requests at once"),
    row("connections-16", "per_s", "new connections per second, 16 at once"),
    with_x25519("connections-16", "per_s", "the same with `--kex x25519`"),
    row("connections-16", "cpu_ms_per_connection", "CPU ms per new connection"),
    with_x25519("connections-16", "cpu_ms_per_connection", "the same with `--kex x25519`"),
    row("memory-in-use", "kib_established", "KiB per connection, just established"),
    row("memory-in-use", "kib_after_batch", "the same, after 64 KiB each way"),
    row("memory", "kib_per_connection", "KiB per idle connection, of 1,000"),
    row("memory", "kib_per_connection_after_traffic", "the same, after 256 KiB on each"),
    row("start", "listening_ms", "exec to listening, ms"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::FIGURES;

    #[test]
    fn what_is_between_the_marks_is_replaced() {
        let page = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n";
        let new = replace(page, "t", "new\n").expect("marks");
        assert_eq!(new, "a\n<!-- t -->\n\nnew\n\n<!-- /t -->\nb\n");
        assert_eq!(replace(&new, "t", "new\n").expect("marks"), new);
        assert!(replace("a\n<!-- t -->\n", "t", "new").is_err());
        assert!(replace("a\n", "t", "new").is_err());
    }

    #[test]
    fn every_row_is_a_column_of_a_figure() {
        for row in ROWS {
            let figure = FIGURES.iter().find(|figure| figure.id == row.figure);
            let columns = figure.expect(row.figure).columns;
            assert!(columns.iter().any(|column| column.id == row.column), "{}", row.title);
        }
    }
}
