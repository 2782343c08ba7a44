//! docs/metrics.md has the words of the log, which programs look for.

use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

#[test]
fn events_and_classes_are_those_of_the_source() {
    let event = include_str!("../../../host/src/observe/event.rs");
    let counters = include_str!("../../../host/src/observe/counters.rs");
    let endings = between(counters, "const ENDINGS", "];");
    let (classes, events) = event.split_once("impl What {").unwrap();
    let events = between(events, "match self", "Display");
    assert_eq!(rows("event"), quoted(endings).chain(quoted(events)).collect());
    let classes = between(classes, "pub fn word", "impl fmt::Display");
    assert_eq!(rows("class"), quoted(classes).collect());
}

#[test]
fn fields_are_those_of_the_source() {
    let format = include_str!("../../../host/src/observe/format.rs");
    let (json, journal) = format.split_once("fn journal(").unwrap();
    let json = between(json, "struct JsonLine", "\n}");
    let json = json.lines().filter(|line| !line.contains('#'));
    let json = json.filter_map(|line| line.trim().split_once(": ").map(|(name, _)| name));
    assert_eq!(rows("JSON"), json.map(str::to_owned).collect());
    let journal = between(journal, "", "fn severity");
    let journal = journal.split("field(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for field in journal {
        assert!(DOCUMENT.contains(&format!("`{field}`")), "docs/metrics.md lacks {field}");
    }
}

/// The words in backticks in the first column of the table with this heading.
fn rows(heading: &str) -> BTreeSet<String> {
    let table = between(DOCUMENT, &format!("\n| {heading} |"), "\n\n");
    let first = table.lines().skip(2).map(|row| row.split('|').nth(1).unwrap());
    first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned)
}

#[track_caller]
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?}")).0
}
