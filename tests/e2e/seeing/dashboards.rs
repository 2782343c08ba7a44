//! The dashboard and the alerts that come with it name what there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use spiped_tests::{Backend, Ending, Lab, Process, Spiped, key_called};

use super::Seen;

#[test]
fn every_metric_that_the_dashboard_and_the_alerts_name_exists() {
    let there = live_names();
    let (dashboard, rules) = (dashboard(), fs::read_to_string(packaged(RULES)).unwrap());
    let mut queries = Vec::new();
    strings(&dashboard, &["expr", "query"], &mut queries);
    queries.extend(rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")));
    assert!(queries.len() > 30, "{queries:?}");
    for query in queries {
        for name in names(query) {
            assert!(there.contains(name), "{name}, of {query}, is not served");
        }
    }
}

#[test]
fn document_lists_every_metric() {
    let document = include_str!("../../../docs/metrics.md");
    let seen = live_help();
    for (name, help) in &seen {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
        let row = row.unwrap_or_else(|| panic!("docs/metrics.md lacks {name}"));
        assert!(row.contains(help), "docs/metrics.md says of {name}: {row}, and /metrics: {help}");
    }
    let rows = document.lines().filter(|line| line.starts_with("| `spiped_")).count();
    assert_eq!(rows, seen.len(), "docs/metrics.md has more");
    for word in live_words() {
        assert!(document.contains(&format!("`{word}`")), "docs/metrics.md lacks {word}");
    }
}

#[test]
fn document_lists_every_alert() {
    let document = include_str!("../../../docs/metrics.md");
    let rules = fs::read_to_string(packaged(RULES)).unwrap();
    let (mut alerts, mut listed) = (BTreeSet::new(), BTreeSet::new());
    let mut alert = "";
    for line in rules.lines().map(|line| line.trim().trim_start_matches("- ")) {
        alert = line.strip_prefix("alert: ").unwrap_or(alert);
        if let Some((_, severity)) = line.split_once("{severity: ") {
            alerts.insert(format!("| `{alert}` | {} ", severity.trim_end_matches('}')));
        }
    }
    for row in document.lines().filter(|line| line.starts_with("| `Spiped")) {
        listed.insert(row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|"));
    }
    assert_eq!(listed, alerts);
}

#[test]
fn dashboard_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{panel}");
    }
}

#[test]
fn prometheus_accepts_the_alerts_and_they_fire() {
    let lab = Lab::new();
    // It writes beside what it reads.
    let copy = |from: PathBuf| {
        let name = from.file_name().unwrap().to_str().unwrap().to_owned();
        lab.write(&name, fs::read(&from).unwrap())
    };
    let rules = copy(packaged(RULES));
    let tests = copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/seeing/alerts.test.yml"));
    for words in
        [["check", "rules", rules.to_str().unwrap()], ["test", "rules", tests.to_str().unwrap()]]
    {
        let mut command = Command::new(promtool());
        command.current_dir(lab.directory()).args(words);
        let exit = Process::spawn(command).wait();
        let said = String::from_utf8_lossy(&exit.stdout).into_owned();
        assert!(exit.code() == Some(0) && said.contains("SUCCESS"), "{said}{}", exit.stderr);
    }
}

/// Of Debian's prometheus, as `tests/prometheus/setup.sh` gets it.
fn promtool() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/prometheus/promtool");
    assert!(path.exists(), "tests/prometheus/setup.sh gets {}", path.display());
    path
}

/// The names of all values that a daemon serves with which everything has
/// happened that makes one.
fn live_names() -> BTreeSet<String> {
    let text = live_metrics();
    let values = text.lines().filter(|line| !line.starts_with('#'));
    let mut names: BTreeSet<_> =
        values.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect();
    // Prometheus makes it.
    names.insert("up".to_owned());
    names
}

/// The values of labels that have one for each reason or way to end.
fn live_words() -> BTreeSet<String> {
    let text = live_metrics();
    let word = |line: &str| {
        let (_, word) = line.split_once(",reason=\"").or_else(|| line.split_once(",how=\""))?;
        Some(word.split('"').next().unwrap().to_owned())
    };
    let words: BTreeSet<_> = text.lines().filter_map(word).collect();
    assert!(words.len() > 10, "{words:?}");
    words
}

/// What each metric is, in words.
fn live_help() -> Vec<(String, String)> {
    let help = |line: &str| {
        let (name, help) = line.strip_prefix("# HELP ")?.split_once(' ').unwrap();
        Some((name.to_owned(), help.to_owned()))
    };
    live_metrics().lines().filter_map(help).collect()
}

fn live_metrics() -> String {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    fs::create_dir(lab.path("keys")).unwrap();
    lab.write_key("keys/alice", key_called("alice"));
    let seen = Seen::start(&lab, Spiped::decrypt(&lab, backend.endpoint()).key(lab.path("keys")));
    let client = Spiped::encrypt(&lab, seen.daemon.source());
    client.clone().start().connect().expect_nothing_but(Ending::Reset);
    let alice = lab.write_key("alice", key_called("alice"));
    let client = Spiped::encrypt(&lab, seen.daemon.source()).key(alice).start();
    client.connect().expect_echo(b"seen");
    seen.get("/metrics").1
}

/// What begins like our metrics, or is one that Prometheus makes, and no label.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = query.split(move |character: char| !is_part(character));
    words.filter(|word| word.starts_with("spiped_") || *word == "up")
}

fn strings<'v>(value: &'v Value, keys: &[&str], found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| keys.contains(&key.as_str())) {
                    Some(text) => found.push(text),
                    None => strings(value, keys, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, keys, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn dashboard() -> Value {
    serde_json::from_slice(&fs::read(packaged("grafana/spiped.json")).unwrap()).unwrap()
}

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/packaging").join(name)
}

const RULES: &str = "prometheus/spiped.rules.yml";
