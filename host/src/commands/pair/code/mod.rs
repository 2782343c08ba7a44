//! The one-time codes of `spiped pair`: their form, and new ones. See
//! `docs/pairing.md`, "Codes".

mod strength;

use std::fmt::{self, Write as _};

use thiserror::Error;
use zeroize::Zeroizing;

/// A code in its canonical form. Wiped on drop, never shown by `Debug`.
///
/// Two people who type the same code differently have the same `Code`: spaces
/// and hyphens do not count, and capital letters count as small ones. The
/// canonical form of a canonical form is itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// Brings `text` into the canonical form, and refuses what an attacker
    /// would try first.
    ///
    /// # Errors
    /// [`CodeFault`].
    pub fn new(text: &str) -> Result<Self, CodeFault> {
        let text = text.trim_ascii();
        // Never reallocated, which would leave a copy behind.
        let mut code = Zeroizing::new(String::with_capacity(text.len()));
        for byte in text.bytes() {
            match byte {
                b' ' | b'-' => {}
                b'!'..=b'~' => code.push(char::from(byte.to_ascii_lowercase())),
                _ => return Err(CodeFault::NotAscii),
            }
        }
        if code.len() < CODE_LEN_MIN {
            return Err(CodeFault::TooShort);
        }
        if code.len() > CODE_LEN_MAX {
            return Err(CodeFault::TooLong);
        }
        strength::check(&code)?;
        Ok(Self(code))
    }

    /// A new code: one of nearly 10^16, all equally likely; 53 bits. It is of
    /// digits, which are said and typed alike in every language.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        loop {
            let mut text = Zeroizing::new(String::with_capacity(NEW_CODE_LEN));
            while text.len() < NEW_CODE_LEN {
                let mut byte = Zeroizing::new([0]);
                getrandom::fill(&mut *byte)?;
                text.extend(digit(byte[0]));
            }
            // Fewer than one in a million looks like what a person would make
            // up, and the other end would refuse it.
            if let Ok(code) = Self::new(&text) {
                return Ok(code);
            }
        }
    }

    /// The canonical form, for the exchange.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The code for a person to read out, in groups of four, as in
    /// `4821-0937-5526-1180`.
    #[must_use]
    pub fn in_groups(&self) -> Zeroizing<String> {
        let code = self.expose();
        let mut text = Zeroizing::new(String::with_capacity(code.len() + code.len() / GROUP));
        for (at, character) in code.chars().enumerate() {
            if at != 0 && at % GROUP == 0 {
                text.push('-');
            }
            // To a `String` it cannot fail.
            let _ = text.write_char(character);
        }
        text
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// Why a code is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodeFault {
    /// Fewer than 8 characters.
    #[error(
        "The code is too short: it needs at least 8 characters, not counting spaces and hyphens"
    )]
    TooShort,
    /// More than 1024 characters.
    #[error("The code is too long: it may have at most 1024 characters")]
    TooLong,
    /// Something else than printable ASCII.
    #[error("The code may have only printable ASCII characters")]
    NotAscii,
    /// Mostly repetition, or counting.
    #[error("The code is easy to guess: it repeats characters, or counts up or down")]
    Regular,
    /// A day.
    #[error("The code is easy to guess: it is a date")]
    Date,
    /// A word that many people choose, with little else.
    #[error("The code is easy to guess: it is a common password or close to one")]
    Common,
}

/// A random digit from a random byte. The last six bytes are not used: they
/// would make six digits more likely than the others.
fn digit(byte: u8) -> Option<char> {
    (byte < 250).then(|| char::from(b'0' + byte % 10))
}

/// What a person makes up has less than a bit or two in each character.
const CODE_LEN_MIN: usize = 8;
/// What the component takes.
const CODE_LEN_MAX: usize = 1024;

/// Characters of a new code: 10^16 is more than 2^53.
const NEW_CODE_LEN: usize = 16;
/// Digits that are said in one breath.
const GROUP: usize = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_spellings_of_a_code_are_the_same() {
        let code = Code::new("blue kettle 7").unwrap();
        for text in ["bluekettle7", " Blue Kettle-7\r\n", "B-L-U-E K-E-T-T-L-E 7", "\tBLUEKETTLE7"]
        {
            assert_eq!(Code::new(text).unwrap(), code, "{text:?}");
        }
        assert_eq!(code.expose(), "bluekettle7");
        assert_ne!(Code::new("blue_kettle_7").unwrap(), code);
        assert_eq!(Code::new(code.expose()), Ok(code));
    }

    #[test]
    fn what_does_not_count_makes_no_code_long_enough() {
        for text in ["", "a7-k2-xq", "a7 k2 xq9          "] {
            assert_eq!(Code::new(text), Err(CodeFault::TooShort), "{text:?}");
        }
        assert!(Code::new("a7k2xq9z").is_ok());
        let long = "a7k2xq9z".to_owned() + &"4711pqrs".repeat(127);
        assert!(Code::new(&long).is_ok());
        assert_eq!(Code::new(&(long + "x")), Err(CodeFault::TooLong));
    }

    #[test]
    fn code_is_printable_ascii() {
        for text in [
            "grüner Kessel",
            "blue\tkettle",
            "blue\0kettle",
            "blue\u{2013}kettle",
            "\x7fblue kettle",
        ] {
            assert_eq!(Code::new(text), Err(CodeFault::NotAscii), "{text:?}");
        }
    }

    #[test]
    fn new_codes_are_sixteen_digits_in_four_groups() {
        let code = Code::generate().unwrap();
        let text = code.in_groups();
        let groups: Vec<_> = text.split('-').collect();
        assert_eq!(groups.len(), 4);
        for group in groups {
            assert_eq!(group.len(), 4);
            assert!(group.bytes().all(|byte| byte.is_ascii_digit()), "{group}");
        }
        assert_eq!(Code::new(&text), Ok(code));
    }

    #[test]
    fn digits_are_equally_likely() {
        for expected in '0'..='9' {
            let bytes = (0..=u8::MAX).filter(|&byte| digit(byte) == Some(expected));
            assert_eq!(bytes.count(), 25, "{expected}");
        }
    }

    #[test]
    fn new_codes_are_new() {
        let codes: Vec<_> = (0..1000).map(|_| Code::generate().unwrap()).collect();
        let different: HashSet<_> = codes.iter().map(Code::expose).collect();
        assert_eq!(different.len(), codes.len());
    }

    #[test]
    fn debug_shows_no_code() {
        assert_eq!(format!("{:?}", Code::new("blue kettle 7").unwrap()), "Code(..)");
    }
}
