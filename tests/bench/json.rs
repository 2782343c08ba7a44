//! The results for machines.

use std::fmt::Write;

use crate::figures::{Better, Column, FIGURES};
use crate::peers::PEERS;
use crate::results::{Results, Summary};

/// Everything measured: figures by id, in them columns by id, in them peers by
/// id. What does not apply to a peer is null.
pub(crate) fn document(results: &Results) -> String {
    let machine = &results.machine;
    let machine = object([
        ("cpu", string(&machine.cpu)),
        ("cores", machine.cores.to_string()),
        ("kernel", string(&machine.kernel)),
    ]);
    let peers = PEERS.iter().zip(&results.versions).map(|(peer, version)| {
        let version = version.as_deref().map_or_else(null, string);
        (peer.id, object([("name", string(peer.name)), ("version", version)]))
    });
    let figures = FIGURES.iter().enumerate().map(|(f, figure)| {
        let columns = figure.columns.iter().enumerate();
        let columns = columns.map(|(c, entry)| (entry.id, column(results, f, c, entry)));
        let columns = object(columns);
        (figure.id, object([("title", string(figure.title)), ("columns", columns)]))
    });
    let mut text = object([
        ("machine", machine),
        ("rounds", results.rounds.to_string()),
        ("peers", object(peers)),
        ("figures", object(figures)),
    ]);
    text.push('\n');
    text
}

fn column(results: &Results, figure: usize, index: usize, column: &Column) -> String {
    let better = match column.better {
        Better::More => "more",
        Better::Less => "less",
    };
    let peers = PEERS.iter().enumerate().map(|(p, peer)| {
        (peer.id, results.summary(figure, p, index).as_ref().map_or_else(null, summary))
    });
    object([("title", string(column.title)), ("better", string(better)), ("peers", object(peers))])
}

fn summary(summary: &Summary) -> String {
    let values: Vec<_> = summary.values.iter().copied().map(number).collect();
    object([
        ("median", number(summary.median)),
        ("min", number(summary.min)),
        ("max", number(summary.max)),
        ("ratio", summary.ratio.map_or_else(null, number)),
        ("values", format!("[{}]", values.join(","))),
    ])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}:{value}", string(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn string(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                write!(json, "\\u{:04x}", u32::from(c)).expect("writing to a string");
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn number(value: f64) -> String {
    // Not every float is a number in JSON.
    if value.is_finite() { value.to_string() } else { null() }
}

fn null() -> String {
    "null".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a \"b\" \\ µ\n"), r#""a \"b\" \\ µ\u000a""#);
    }

    #[test]
    fn infinity_is_null() {
        assert_eq!(number(1.5), "1.5");
        assert_eq!(number(f64::INFINITY), "null");
    }
}
