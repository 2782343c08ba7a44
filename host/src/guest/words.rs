//! The generated types in words for the administrator.

use std::fmt;

use super::Failure;
use super::types;

/// A session's.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(types::Failure::Peer(fault)) => fault.fmt(f),
            Self::Protocol(types::Failure::Misuse(misuse)) => {
                write!(f, "the sandboxed protocol component was called wrongly: {misuse:?}")
            }
            Self::Protocol(types::Failure::Exhausted) => {
                f.write_str("all packet numbers are used up")
            }
            Self::Guest(reason) => write!(f, "the sandboxed protocol component failed: {reason}"),
        }
    }
}
