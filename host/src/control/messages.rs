//! Requests and answers: a line of JSON each.

use serde::{Deserialize, Serialize};

use crate::control::overview::Overview;

/// Changes when somebody who knows an earlier one only would misunderstand.
pub(crate) const VERSION: u32 = 1;

/// A longer request is none.
pub(crate) const REQUEST_MAX: usize = 4096;

/// What is asked for, and by the rules of which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// [`VERSION`].
    pub version: u32,
    /// What is asked for.
    #[serde(flatten)]
    pub wish: Wish,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub(crate) enum Wish {
    /// How everything is.
    Status,
    /// All connections, one [`Connection`] a line before the answer.
    List,
    /// To end connections at once.
    Drop {
        /// The number of one, or the name of the key of all of them.
        what: String,
    },
    /// To read settings and keys again.
    #[serde(rename_all = "kebab-case")]
    Reload {
        /// Only to say what would change.
        #[serde(default)]
        dry_run: bool,
    },
    /// To be replaced by a new process, connections included.
    Upgrade {
        /// Only to say whether that would work.
        #[serde(default)]
        check: bool,
    },
    /// Which lines are logged.
    LogLevel {
        /// From now on; as they are, if there is none.
        level: Option<String>,
    },
}

/// The last line of what comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// [`VERSION`].
    pub version: u32,
    /// What came of the request.
    #[serde(flatten)]
    pub result: Outcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It is done, and this is what was asked for.
    Ok(Said),
    /// It is not, for this reason.
    Error(String),
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Said {
    /// How everything is.
    Status(Box<Overview>),
    /// So many connections were listed, or dropped.
    Connections(u64),
    /// What has changed, or would.
    Reload(String),
    /// Which process serves now, or what would happen.
    Upgrade(String),
    /// Lines of this level are logged, and those that are more severe.
    LogLevel(String),
}

/// A connection, as a line of the answer to [`Wish::List`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Connection {
    /// Its number, as in the log.
    #[serde(rename = "connection")]
    pub id: u64,
    /// The name of its pipe.
    pub pipe: String,
    /// Who opened it.
    pub peer: String,
    /// The name of its key, if it is known and has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How far it has come.
    pub stage: String,
    /// For how long it has been there.
    pub seconds: f64,
    /// For how long it has moved no byte.
    pub idle_seconds: f64,
    /// Plaintext bytes from the plain side to the peer.
    pub sent: u64,
    /// Plaintext bytes from the peer to the plain side.
    pub received: u64,
}

impl Request {
    /// A request of this version.
    #[must_use]
    pub(crate) fn new(wish: Wish) -> Self {
        Self { version: VERSION, wish }
    }
}

impl Answer {
    /// An answer of this version.
    #[must_use]
    pub(crate) fn new(result: Outcome) -> Self {
        Self { version: VERSION, result }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_documented() {
        for (wish, line) in [
            (Wish::Status, r#"{"version":1,"request":"status"}"#),
            (Wish::List, r#"{"version":1,"request":"list"}"#),
            (Wish::Drop { what: "7".into() }, r#"{"version":1,"request":"drop","what":"7"}"#),
            (Wish::Reload { dry_run: true }, r#"{"version":1,"request":"reload","dry-run":true}"#),
            (Wish::Upgrade { check: true }, r#"{"version":1,"request":"upgrade","check":true}"#),
            (
                Wish::LogLevel { level: Some("debug".into()) },
                r#"{"version":1,"request":"log-level","level":"debug"}"#,
            ),
        ] {
            let request = Request::new(wish);
            assert_eq!(serde_json::to_string(&request).unwrap(), line);
            assert_eq!(serde_json::from_str::<Request>(line).unwrap(), request);
        }
        let bare = |line| serde_json::from_str::<Request>(line).unwrap().wish;
        let reload = bare(r#"{"version":1,"request":"reload"}"#);
        assert_eq!(reload, Wish::Reload { dry_run: false });
        let upgrade = bare(r#"{"version":1,"request":"upgrade"}"#);
        assert_eq!(upgrade, Wish::Upgrade { check: false });
        let level = bare(r#"{"version":1,"request":"log-level"}"#);
        assert_eq!(level, Wish::LogLevel { level: None });
        for (result, line) in [
            (Outcome::Ok(Said::Connections(3)), r#"{"version":1,"ok":{"connections":3}}"#),
            (
                Outcome::Ok(Said::LogLevel("info".into())),
                r#"{"version":1,"ok":{"log-level":"info"}}"#,
            ),
            (Outcome::Error("why".into()), r#"{"version":1,"error":"why"}"#),
        ] {
            let answer = Answer::new(result);
            assert_eq!(serde_json::to_string(&answer).unwrap(), line);
            assert_eq!(serde_json::from_str::<Answer>(line).unwrap(), answer);
        }
    }
}
