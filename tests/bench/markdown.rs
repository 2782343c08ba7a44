//! The results for people.

use std::fmt::Write;
use std::iter;

use indexmap::IndexMap;

use crate::figures::Better;
use crate::noise::Noise;
use crate::peers::reference;
use crate::report::{ColumnReport, FigureReport, PeerReport, Report, Summary};

/// A heading, what it was measured on, and a table for each figure.
pub(crate) fn document(report: &Report) -> String {
    let mut text = format!("# Encrypted pipes compared\n\n{}.\n", conditions(report));
    for PeerReport { name, version } in report.peers.values() {
        if let Some(version) = version {
            line(&mut text, &format!("{name}: {version}."));
        }
    }
    line(&mut text, &format!("\n{}", how_to_read(report)));
    line(&mut text, &format!("\n{}", noise(report)));
    for figure in report.figures.values() {
        line(&mut text, &format!("\n## {}\n", figure.title));
        table(&mut text, &rows(report, figure));
        for note in notes(report, figure) {
            line(&mut text, &format!("\n{note}."));
        }
    }
    text
}

/// The machine.
pub(crate) fn conditions(report: &Report) -> String {
    let machine = &report.machine;
    format!("{}, {} cores, Linux {}", machine.cpu, machine.cores, machine.kernel)
}

fn how_to_read(report: &Report) -> String {
    let reference = reference(report.peers.keys().map(String::as_str));
    let ratio = reference.and_then(|id| report.peers.get(id)).map_or_else(String::new, |peer| {
        format!(
            " ×ratio to {}, or ≈ratio if the rounds do not agree which of the two is better",
            peer.name
        )
    });
    format!(
        "Rounds: {}. Median (least–greatest){ratio}. ↑: more is better; ↓: less is.",
        report.rounds
    )
}

/// Whether the machine was quiet in the rounds that count.
pub(crate) fn noise(report: &Report) -> String {
    let figures = report.figures.values();
    let disturbed: Vec<_> = figures
        .filter_map(|figure| {
            let loud: Vec<_> = figure.noises.iter().filter(|noise| !noise.is_quiet()).collect();
            let (count, all) = (loud.len(), figure.noises.len());
            let title = &figure.title;
            (count > 0).then(|| format!("{count} of {all} rounds of \"{title}\", {}", extent(loud)))
        })
        .collect();
    if disturbed.is_empty() {
        let all = report.figures.values().flat_map(|figure| &figure.noises);
        return format!("The machine was quiet: {}.", extent(all));
    }
    format!("The machine was not quiet: {}.", disturbed.join("; "))
}

/// The worst of it.
fn extent<'a>(noises: impl IntoIterator<Item = &'a Noise>) -> String {
    let noises: Vec<_> = noises.into_iter().collect();
    let others = noises.iter().map(|noise| noise.others).fold(0.0, f64::max);
    let direct = noises.iter().filter_map(|noise| noise.direct).reduce(f64::max);
    let direct = direct.map_or_else(String::new, |direct| {
        format!(", and without a pipe it was up to {direct:.2} times worse than at best")
    });
    format!("others had up to {:.1} % of the processors{direct}", others * 100.0)
}

fn rows(report: &Report, figure: &FigureReport) -> Vec<Vec<String>> {
    let header = iter::once(String::new()).chain(figure.columns.values().map(heading)).collect();
    let rows = report.peers.iter().filter_map(|(id, peer)| {
        let summaries: Vec<_> = figure.columns.values().map(|column| column.summary(id)).collect();
        // It has no part in this.
        if summaries.iter().all(Option::is_none) {
            return None;
        }
        Some(iter::once(peer.name.clone()).chain(summaries.into_iter().map(cell)).collect())
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
    let Some(summary) = summary else { return "–".into() };
    let mut text = spread(summary, number);
    if let Some(ratio) = summary.ratio {
        let sign = if summary.rounds_agree { '×' } else { '≈' };
        write!(text, " {sign}{}", number(ratio)).expect("writing to a string");
    }
    text
}

/// The median, and how far the values are from it.
pub(crate) fn spread(summary: &Summary, number: fn(f64) -> String) -> String {
    let Summary { median, min, max, values, .. } = summary;
    if values.len() == 1 {
        return number(*median);
    }
    format!("{} ({}–{})", number(*median), number(*min), number(*max))
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

/// Three digits that count, and commas between thousands.
pub(crate) fn grouped(value: f64) -> String {
    let text = number(value);
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
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

    #[test]
    fn thousands_are_grouped() {
        let cases =
            [(12.34, "12.3"), (123.4, "123"), (1234.0, "1,234"), (1_234_567.0, "1,234,567")];
        for (value, expected) in cases {
            assert_eq!(grouped(value), expected);
        }
    }
}
