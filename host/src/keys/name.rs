//! The name that the administrator gives a key.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// The name of a key. In text it is always one word: in quotes unless it
/// consists of letters, digits and a few signs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(Arc<OsStr>);

impl KeyName {
    /// Any name that a file can have.
    #[must_use]
    pub fn new(name: &OsStr) -> Self {
        Self(name.into())
    }

    /// As it is, not as it is shown.
    pub(crate) fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    /// As it is, not as it is shown.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |char: char| char.is_alphanumeric() || PLAIN_SIGNS.contains(char);
        if let Some(name) = self.0.to_str()
            && name.chars().all(is_plain)
        {
            return f.write_str(name);
        }
        // Also escapes characters that would end the word or the line.
        write!(f, "\"")?;
        for chunk in self.0.as_bytes().utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    ' ' => f.write_str("\\x20")?,
                    char => write!(f, "{}", char.escape_debug())?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        write!(f, "\"")
    }
}

/// None of these has a meaning in a log line.
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

    #[test]
    fn names_that_are_no_text_are_told_apart() {
        let shown = |name| KeyName::new(OsStr::from_bytes(name)).to_string();
        assert_eq!(shown(b"m\xe4rz"), r#""m\xe4rz""#);
        assert_eq!(shown(b"m\xf6rz \xff"), r#""m\xf6rz\x20\xff""#);
    }
}
