//! An entry of the log as bytes: a line of text, a line of JSON, or the fields
//! of the journal.

use std::fmt::{self, Write as _};
use std::process;

use humantime::format_rfc3339_micros;
use log::Level;
use serde::Serialize;

use crate::observe::counters::Numbers;
use crate::observe::event::{Bytes, Event, What};
use crate::observe::queue::Entry;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Words for people.
    #[default]
    Text,
    /// An object a line for programs.
    Json,
}

impl Format {
    /// The entry in one line, without the newline.
    pub(super) fn line(self, program: &str, entry: &Entry) -> String {
        match self {
            Self::Text => text(entry),
            Self::Json => json(program, entry),
        }
    }
}

/// The event in words, with control characters escaped: no peer and no file
/// name can add a line of its own.
pub(super) fn text(entry: &Entry) -> String {
    clean(&format!("{}{}", entry.event, Suppressed(entry.suppressed)))
}

/// An object of JSON.
fn json(program: &str, entry: &Entry) -> String {
    let Event { level, class, what, subject, words, bytes, took, numbers } = &entry.event;
    let suppressed = if let What::Suppressed(count) = what { *count } else { entry.suppressed };
    let line = JsonLine {
        time: format_rfc3339_micros(entry.when).to_string(),
        level: level_word(*level),
        program,
        pid: process::id(),
        event: what.word(),
        class: class.word(),
        pipe: subject.pipe.as_deref(),
        connection: subject.connection,
        peer: subject.peer.as_ref().map(|peer| &*peer.shown),
        key: subject.key.as_deref(),
        message: clean(words),
        sent: bytes.map(|bytes| bytes.sent),
        received: bytes.map(|bytes| bytes.received),
        seconds: took.map(|took| took.as_secs_f64()),
        suppressed: Some(suppressed).filter(|&count| count > 0),
        lost: if let What::Lost(count) = what { Some(*count) } else { None },
        counters: numbers.as_deref(),
    };
    // Nothing in it can fail.
    serde_json::to_string(&line).unwrap_or_default()
}

/// A line of JSON. What is not known is left out.
#[derive(Serialize)]
struct JsonLine<'a> {
    time: String,
    level: &'a str,
    program: &'a str,
    pid: u32,
    event: &'a str,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipe: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<&'a Numbers>,
}

/// The journal's native datagram: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.
/// No value has a line break in it, so each is one line.
pub(super) fn journal(program: &str, entry: &Entry) -> String {
    let Event { level, class, what, subject, bytes, took, words: _, numbers: _ } = &entry.event;
    let mut fields = String::new();
    let mut field = |name: &str, value: &dyn fmt::Display| {
        // Writing to a string cannot fail.
        let _ = writeln!(fields, "{name}={}", escape(&value.to_string()));
    };
    field("MESSAGE", &text(entry));
    field("PRIORITY", &severity(*level));
    field("SYSLOG_IDENTIFIER", &program);
    field("SPIPED_EVENT", &what.word());
    field("SPIPED_CLASS", &class.word());
    if let Some(pipe) = &subject.pipe {
        field("SPIPED_PIPE", pipe);
    }
    if let Some(connection) = &subject.connection {
        field("SPIPED_CONNECTION", connection);
    }
    if let Some(peer) = &subject.peer {
        field("SPIPED_PEER", &peer.shown);
    }
    if let Some(key) = &subject.key {
        field("SPIPED_KEY", key);
    }
    if let Some(Bytes { sent, received }) = bytes {
        field("SPIPED_SENT", sent);
        field("SPIPED_RECEIVED", received);
    }
    if let Some(took) = took {
        field("SPIPED_SECONDS", &format_args!("{:.6}", took.as_secs_f64()));
    }
    fields
}

/// As in syslog.
pub(super) fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// As `--log-level` calls it.
fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug | Level::Trace => "debug",
    }
}

/// Appended to a line: how many like it were left out before it.
struct Suppressed(u64);

impl fmt::Display for Suppressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more suppressed)"),
        }
    }
}

/// Words of an error, in one line and without the numbers that Rust adds.
pub(crate) fn clean(words: &str) -> String {
    escape(&without_numbers(words))
}

/// Leaves out the numbers that Rust adds to the system's words for an error.
fn without_numbers(message: &str) -> String {
    let mut parts = message.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A part that does not begin with a number in brackets is not ours.
        match part.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => words.push_str(rest),
            _ => words.extend([" (os error ", part]),
        }
    }
    words
}

/// The text with its control characters escaped.
pub(crate) fn escape(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::observe::counters::Ending;
    use crate::observe::event::{Class, Source, Subject};

    #[test]
    fn text_says_how_many_were_left_out() {
        assert_eq!(
            Format::Text.line("spiped", &entry()),
            "a -> b: [192.0.2.1]:5: key alice: closed: 5 bytes\\n, after 1.5 s (3 more suppressed)"
        );
    }

    #[test]
    fn json_is_one_object_a_line() {
        let line = Format::Json.line("spiped", &entry());
        assert!(!line.contains('\n'), "{line}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "time": "1970-01-01T00:00:01.500000Z",
            "level": "info",
            "program": "spiped",
            "pid": process::id(),
            "event": "closed",
            "class": "key-holder",
            "pipe": "a -> b",
            "connection": 7,
            "peer": "[192.0.2.1]:5",
            "key": "alice",
            "message": "closed: 5 bytes\\n",
            "sent": 5,
            "received": 6,
            "seconds": 1.5,
            "suppressed": 3,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn json_leaves_out_what_is_not_known() {
        let event = Event::new(Level::Warn, Class::Ourselves, What::Lost(9), "9 lines lost");
        let entry = Entry { when: SystemTime::UNIX_EPOCH, event, suppressed: 0 };
        let line = Format::Json.line("spipe", &entry);
        let start =
            r#"{"time":"1970-01-01T00:00:00.000000Z","level":"warn","program":"spipe","pid":"#;
        assert!(line.starts_with(start), "{line}");
        let end = r#","event":"lost","class":"ourselves","message":"9 lines lost","lost":9}"#;
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn journal_gets_a_field_a_line() {
        let fields = journal("spiped", &entry());
        let expected = "\
            MESSAGE=a -> b: [192.0.2.1]:5: key alice: closed: 5 bytes\\n, after 1.5 s \
            (3 more suppressed)\n\
            PRIORITY=6\n\
            SYSLOG_IDENTIFIER=spiped\n\
            SPIPED_EVENT=closed\n\
            SPIPED_CLASS=key-holder\n\
            SPIPED_PIPE=a -> b\n\
            SPIPED_CONNECTION=7\n\
            SPIPED_PEER=[192.0.2.1]:5\n\
            SPIPED_KEY=alice\n\
            SPIPED_SENT=5\n\
            SPIPED_RECEIVED=6\n\
            SPIPED_SECONDS=1.500000\n";
        assert_eq!(fields, expected);
    }

    #[test]
    fn error_numbers_are_left_out() {
        let refused = io::Error::from_raw_os_error(111);
        let line = format!("a: {refused}; b: {refused}, after 1 s");
        let words = "a: Connection refused; b: Connection refused, after 1 s";
        assert_eq!(without_numbers(&line), words);
        for other in ["", "plain", "odd (os error x) text", "cut (os error 1"] {
            assert_eq!(without_numbers(other), other);
        }
    }

    #[test]
    fn control_characters_cannot_make_a_line() {
        assert_eq!(
            escape("a\r\nspiped: forged\t\u{1b}[2J\u{85}é"),
            "a\\r\\nspiped: forged\\t\\u{1b}[2J\\u{85}é"
        );
    }

    fn entry() -> Entry {
        let what = What::Ended(Ending::Closed);
        let mut event = Event::new(Level::Info, Class::KeyHolder, what, "closed: 5 bytes\n");
        event.subject = Subject {
            pipe: Some("a -> b".into()),
            connection: Some(7),
            peer: Some(Source::new(&"[192.0.2.1]:5", None)),
            key: Some("alice".to_owned()),
        };
        event.bytes = Some(Bytes { sent: 5, received: 6 });
        event.took = Some(Duration::from_millis(1_500));
        let when = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        Entry { when, event, suppressed: 3 }
    }
}
