//! The results for people.

use std::fmt::Write;
use std::iter;

use indexmap::IndexMap;

use crate::figures::Better;
use crate::peers::reference;
use crate::report::{ColumnReport, FigureReport, PeerReport, Report, Summary};

/// A heading, what it was measured on, and a table for each figure.
pub(crate) fn document(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "# Encrypted pipes compared\n\n{}, {} cores, Linux {}.\n",
        machine.cpu, machine.cores, machine.kernel
    );
    for PeerReport { name, version } in report.peers.values() {
        if let Some(version) = version {
            line(&mut text, &format!("{name}: {version}."));
        }
    }
    let reference = reference(report.peers.keys().map(String::as_str));
    let reference = reference.and_then(|id| report.peers.get(id));
    let ratio = reference.map_or_else(String::new, |peer| format!(" ×ratio to {}", peer.name));
    line(
        &mut text,
        &format!(
            "\nRounds: {}. Median (least–greatest){ratio}. ↑: more is better; ↓: less is.",
            report.rounds
        ),
    );
    for figure in report.figures.values() {
        line(&mut text, &format!("\n## {}\n", figure.title));
        table(&mut text, &rows(report, figure));
        for note in notes(report, figure) {
            line(&mut text, &format!("\n{note}."));
        }
    }
    text
}

fn rows(report: &Report, figure: &FigureReport) -> Vec<Vec<String>> {
    let header = iter::once(String::new()).chain(figure.columns.values().map(heading)).collect();
    let rows = report.peers.iter().map(|(id, peer)| {
        let cells = figure.columns.values().map(|column| cell(column.summary(id)));
        iter::once(peer.name.clone()).chain(cells).collect()
    });
    iter::once(header).chain(rows).collect()
}

/// What several peers have in common is said once.
fn notes(report: &Report, figure: &FigureReport) -> Vec<String> {
    let mut notes = IndexMap::<_, Vec<&str>>::new();
    for (peer, note) in &figure.notes {
        let name = report.peers.get(peer).map_or(peer.as_str(), |peer| &peer.name);
        notes.entry(note).or_default().push(name);
    }
    notes.iter().map(|(note, names)| format!("{}: {note}", names.join(", "))).collect()
}

fn heading(column: &ColumnReport) -> String {
    let arrow = match column.better {
        Better::More => '↑',
        Better::Less => '↓',
    };
    format!("{} {arrow}", column.title)
}

fn cell(summary: Option<&Summary>) -> String {
    let Some(Summary { median, min, max, ratio, values }) = summary else {
        return "–".into();
    };
    let mut text = number(*median);
    if values.len() > 1 {
        write!(text, " ({}–{})", number(*min), number(*max)).expect("writing to a string");
    }
    if let Some(ratio) = ratio {
        write!(text, " ×{}", number(*ratio)).expect("writing to a string");
    }
    text
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// In columns, so that it can be read as it is.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let width = |c: usize| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("| {cell:width$} "));
        line(text, &format!("{}|", cells.collect::<String>()));
        if index == 0 {
            let rules = widths.iter().map(|width| format!("|{}", "-".repeat(width + 2)));
            line(text, &format!("{}|", rules.collect::<String>()));
        }
    }
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("writing to a string");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let cases =
            [(1234.5, "1234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.0123, "0.012")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }
}
