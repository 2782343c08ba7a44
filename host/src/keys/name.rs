//! What the administrator calls a key.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

/// The name of a key. In text it is always one word: in quotes unless it
/// consists of letters, digits and a few signs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn new(name: &OsStr) -> Self {
        Self(name.to_string_lossy().into())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.chars().all(|char| char.is_alphanumeric() || PLAIN_SIGNS.contains(char)) {
            f.write_str(&self.0)
        } else {
            // Also escapes what would end the word or the line.
            write!(f, "\"")?;
            for char in self.0.chars() {
                match char {
                    ' ' => f.write_str("\\x20")?,
                    char => write!(f, "{}", char.escape_debug())?,
                }
            }
            write!(f, "\"")
        }
    }
}

/// None of them means anything in a line of the log.
const PLAIN_SIGNS: &str = "-_.@+";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_one_word_in_text() {
        let shown = |name: &str| KeyName::new(name.as_ref()).to_string();
        for plain in ["alice", "web-1.example.net", "a_b@c+d", "jürgen"] {
            assert_eq!(shown(plain), plain);
        }
        assert_eq!(shown("my laptop"), r#""my\x20laptop""#);
        assert_eq!(shown("a=b"), r#""a=b""#);
        assert_eq!(shown("x\n\"y\""), r#""x\n\"y\"""#);
    }
}
