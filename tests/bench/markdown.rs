//! The results for people.

use std::fmt::Write;
use std::iter;

use crate::figures::{Better, Column, FIGURES, Figure};
use crate::peers::{PEERS, REFERENCE};
use crate::results::{Results, Summary};

/// A heading, what it was measured on, and a table for each figure.
pub(crate) fn document(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "# Encrypted pipes compared\n\n{}, {} cores, Linux {}.\n",
        machine.cpu, machine.cores, machine.kernel
    );
    for (peer, version) in PEERS.iter().zip(&results.versions) {
        if let Some(version) = version {
            line(&mut text, &format!("{}: {version}.", peer.name));
        }
    }
    line(
        &mut text,
        &format!(
            "\nRounds: {}. Median (least–greatest) ×ratio to {}. ↑: more is better; ↓: less is.",
            results.rounds, PEERS[REFERENCE].name
        ),
    );
    for (index, figure) in FIGURES.iter().enumerate() {
        line(&mut text, &format!("\n## {}\n", figure.title));
        table(&mut text, &rows(results, index, figure));
    }
    text
}

fn rows(results: &Results, index: usize, figure: &Figure) -> Vec<Vec<String>> {
    let header = iter::once(String::new()).chain(figure.columns.iter().map(heading)).collect();
    let rows = PEERS.iter().enumerate().map(|(p, peer)| {
        let columns = 0..figure.columns.len();
        let cells = columns.map(|c| cell(results.summary(index, p, c).as_ref()));
        iter::once(peer.name.to_owned()).chain(cells).collect()
    });
    iter::once(header).chain(rows).collect()
}

fn heading(column: &Column) -> String {
    let arrow = match column.better {
        Better::More => '↑',
        Better::Less => '↓',
    };
    format!("{} {arrow}", column.title)
}

fn cell(summary: Option<&Summary>) -> String {
    let Some(Summary { median, min, max, ratio, .. }) = summary else {
        return "–".into();
    };
    let ratio = ratio.map_or_else(String::new, |ratio| format!(" ×{}", number(ratio)));
    format!("{} ({}–{}){ratio}", number(*median), number(*min), number(*max))
}

/// Three digits that count.
fn number(value: f64) -> String {
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
