//! What a reload changes, in the words of the file.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::options::{Key, OPTIONS};
use super::settings::{PipeSettings, Settings};
use super::show;

/// The difference between the settings in use and those that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What is said of the process.
    pub(crate) process: Vec<Change>,
    /// Pipes that are new.
    pub(crate) added: Vec<Arc<str>>,
    /// Pipes that are no more.
    pub(crate) removed: Vec<Arc<str>>,
    /// Pipes of which something else is said.
    pub(crate) changed: Vec<(Arc<str>, Vec<Change>)>,
}

/// One key that says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Which.
    pub(crate) key: Key,
    /// What it said; `None`: nothing.
    before: Option<String>,
    /// What it says.
    after: Option<String>,
}

impl Difference {
    /// From the settings in use to those that are wanted.
    pub(crate) fn between(before: &Settings, after: &Settings) -> Self {
        let of_process = |key, settings: &Settings| show::of_process(key, &settings.process);
        let process = changes(|key| (of_process(key, before), of_process(key, after)));
        let (old, new) = (by_name(before), by_name(after));
        let missing = |from: &Settings, within: &HashMap<&str, _>| {
            let names = from.pipes.iter().map(|pipe| pipe.name.clone());
            names.filter(|name| !within.contains_key(&**name)).collect()
        };
        let changed = after.pipes.iter().filter_map(|pipe| {
            let before = old.get(&*pipe.name)?;
            let changes = changes(|key| (show::of_pipe(key, before), show::of_pipe(key, pipe)));
            (!changes.is_empty()).then(|| (pipe.name.clone(), changes))
        });
        Self {
            process,
            added: missing(after, &old),
            removed: missing(before, &new),
            changed: changed.collect(),
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A line for each pipe, and for each key of the process.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for change in &self.process {
            let later = if change.key.takes_restart() {
                " (takes effect after a restart or upgrade)"
            } else {
                ""
            };
            lines.push(format!("{change}{later}"));
        }
        lines.extend(self.added.iter().map(|name| format!("pipe {name}: new")));
        lines.extend(self.removed.iter().map(|name| format!("pipe {name}: removed")));
        for (name, changes) in &self.changed {
            let changes: Vec<_> = changes.iter().map(Change::to_string).collect();
            lines.push(format!("pipe {name}: {}", changes.join(", ")));
        }
        if lines.is_empty() {
            lines.push("no setting changes".to_owned());
        }
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "not set".to_owned());
        write!(f, "{} {} -> {}", self.key, said(&self.before), said(&self.after))
    }
}

fn by_name(settings: &Settings) -> HashMap<&str, &PipeSettings> {
    settings.pipes.iter().map(|pipe| (&*pipe.name, pipe)).collect()
}

fn changes(of: impl Fn(Key) -> (Option<String>, Option<String>)) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for option in OPTIONS.iter().filter(|option| option.file.is_some()) {
        let (key, (before, after)) = (option.key, of(option.key));
        if before != after && !changes.iter().any(|change| change.key == key) {
            changes.push(Change { key, before, after });
        }
    }
    changes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::config::TextFile;
    use crate::config::options::Scope;

    const PIPE: &str = "mode = \"decrypt\"\nsource = \"/s\"\ntarget = \"t:1\"\nkey = \"/k\"\n";

    /// Each key of the table, and something other than its default.
    const OTHER: &[(&str, &str)] = &[
        ("mode", "\"encrypt\""),
        ("source", "\"/s2\""),
        ("target", "[\"t:1\", \"u:1\"]"),
        ("key", "{ a = \"/k\" }"),
        ("balance", "\"spread\""),
        ("bind", "\"[::1]:0\""),
        ("omit-forward-secrecy", "true"),
        ("require-forward-secrecy", "true"),
        ("kex", "\"x25519\""),
        ("keep-alive", "false"),
        ("keep-alive-idle", "\"2m\""),
        ("keep-alive-interval", "\"2s\""),
        ("keep-alive-count", "2"),
        ("user-timeout", "\"30s\""),
        ("max-connections", "500"),
        ("timeout", "\"never\""),
        ("idle-timeout", "\"1h\""),
        ("half-closed-timeout", "\"10m\""),
        ("resolve-period", "0"),
        ("wait-for-dns", "true"),
        ("connections-per-key", "2"),
        ("handshakes", "9"),
        ("handshakes-per-source", "3"),
        ("allow", "\"192.0.2.0/24\""),
        ("proxy-from", "[\"192.0.2.1\", \"::1\"]"),
        ("proxy-to", "\"v1\""),
        ("close-revoked", "true"),
        ("strict-keys", "true"),
        ("socket-mode", "\"0600\""),
        ("socket-owner", "\"nobody\""),
        ("pid-file", "\"/p\""),
        ("user", "\"nobody:nogroup\""),
        ("control", "\"/c\""),
        ("metrics", "\"/m\""),
        ("drain", "0"),
        ("program", "\"/usr/sbin/spiped\""),
        ("memory", "\"64MiB\""),
        ("threads", "2"),
        ("strict", "true"),
        ("syslog", "true"),
        ("log-level", "\"info\""),
        ("log-format", "\"json\""),
    ];

    #[test]
    fn every_key_of_the_table_shows_when_it_changes() {
        let before = read(&format!("[pipe.a]\n{PIPE}"));
        for option in OPTIONS {
            let Some(name) = option.file.filter(|_| option.scope != Scope::BothWays) else {
                continue;
            };
            let (_, value) = OTHER.iter().find(|(other, _)| *other == name).expect(name);
            let line = format!("{name} = {value}\n");
            let rest: String = PIPE
                .split_inclusive('\n')
                .filter(|it| !it.starts_with(&format!("{name} ")))
                .collect();
            let is_of_process = matches!(option.scope, Scope::Process | Scope::Log);
            let after = read(&if is_of_process {
                format!("{line}[pipe.a]\n{rest}")
            } else {
                format!("[pipe.a]\n{line}{rest}")
            });
            let difference = Difference::between(&before, &after);
            let shown = difference.to_string();
            assert!(shown.contains(&option.key.to_string()), "{name}: {shown}");
            assert_eq!(shown.contains("pipe a: "), !is_of_process, "{name}: {shown}");
            assert_eq!(shown.lines().count(), 1, "{shown}");
        }
    }

    #[test]
    fn what_has_changed_is_told_in_the_words_of_the_file() {
        let before = read(&format!("[pipe.a]\n{PIPE}[pipe.b]\n{}", PIPE.replace("/s", "/b")));
        let after = read(&format!(
            "control = \"/c\"\n[defaults]\nlog-level = \"info\"\nmax-connections = 500\n\
             require-forward-secrecy = true\n[pipe.a]\n{PIPE}[pipe.c]\n{}",
            PIPE.replace("/s", "/b")
        ));
        assert_eq!(
            Difference::between(&before, &after).to_string(),
            "control not set -> \"/c\" (takes effect after a restart or upgrade)\n\
             log-level \"warn\" -> \"info\"\n\
             pipe c: new\n\
             pipe b: removed\n\
             pipe a: forward-secrecy not set -> require, max-connections 100 -> 500"
        );
        let nothing = Difference::between(&after, &after);
        assert!(nothing.is_empty());
        assert_eq!(nothing.to_string(), "no setting changes");
    }

    fn read(text: &str) -> Settings {
        let files = [TextFile { path: "/spiped.toml".into(), text: text.to_owned() }];
        let words = crate::config::FileWords {
            path: "/spiped.toml".into(),
            foreground: false,
            pid_file: None,
        };
        words.parse(&files).unwrap_or_else(|faults| panic!("{text}\n{faults}")).settings
    }
}
