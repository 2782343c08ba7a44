//! What makes a code easy to guess.
//!
//! A code has to withstand one guess at each end, so this refuses what an
//! attacker would guess first, and no more. It cannot tell that a code is
//! strong.

use super::{CODE_LEN_MIN, CodeFault};
use crate::keys::strength::surprises;

/// Refuses a code that is among the first guesses.
pub(super) fn check(code: &str) -> Result<(), CodeFault> {
    if surprises(code.as_bytes()) < SURPRISES_MIN {
        return Err(CodeFault::Regular);
    }
    if is_date(code) {
        return Err(CodeFault::Date);
    }
    if is_common(code) {
        return Err(CodeFault::Common);
    }
    Ok(())
}

/// Characters that do not follow from those before them. Eight random digits
/// have fewer in one of 700 cases, twelve in none of a million.
const SURPRISES_MIN: usize = 6;

/// Eight digits with a year from 1900 to 2099 at either end.
fn is_date(code: &str) -> bool {
    if code.len() != 8 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let number = |part: &str| part.parse::<u16>().unwrap_or(0);
    let is_year = |part| (1900..2100).contains(&number(part));
    let is_day = |one, two| {
        let (one, two) = (number(one), number(two));
        (1..=31).contains(&one) && (1..=31).contains(&two) && one.min(two) <= 12
    };
    (is_year(&code[..4]) && is_day(&code[4..6], &code[6..]))
        || (is_year(&code[4..]) && is_day(&code[..2], &code[2..4]))
}

/// A common password by itself, or with so little around it that the rest
/// would be too short for a code.
fn is_common(code: &str) -> bool {
    let word = code.trim_matches(|c: char| !c.is_ascii_alphabetic());
    COMMON.contains(&code) || (COMMON.contains(&word) && code.len() - word.len() < CODE_LEN_MIN)
}

/// In canonical form. Digits at the ends are left out where letters remain.
const COMMON: &[&str] = &[
    // Digits alone.
    "01020304",
    "11223344",
    "12131415",
    "14725836",
    "147258369",
    "27182818",
    "31415926",
    "87654321",
    "98765432",
    "10203040",
    "13579246",
    "24681357",
    // Rows and columns of a keyboard.
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "asdfgh",
    "asdfghjk",
    "asdfghjkl",
    "azerty",
    "azertyuiop",
    "qaz2wsx",
    "qazwsx",
    "qazwsxedc",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyui",
    "qwertyuiop",
    "qwertz",
    "qwertzuiop",
    "zaq12wsx",
    "zxcvbn",
    "zxcvbnm",
    // Words.
    "abc",
    "abcd",
    "access",
    "admin",
    "administrator",
    "baseball",
    "batman",
    "changeit",
    "changeme",
    "charlie",
    "code",
    "computer",
    "correcthorse",
    "correcthorsebatterystaple",
    "default",
    "dragon",
    "example",
    "football",
    "freedom",
    "guest",
    "hello",
    "helloworld",
    "hunter",
    "iloveyou",
    "internet",
    "jennifer",
    "jordan",
    "letmein",
    "linux",
    "login",
    "master",
    "michael",
    "monkey",
    "newpassword",
    "nopassword",
    "pairing",
    "pairingcode",
    "passphrase",
    "passw0rd",
    "password",
    "passwort",
    "p@ssw0rd",
    "p@ssword",
    "princess",
    "redis",
    "root",
    "secret",
    "secretcode",
    "server",
    "shadow",
    "spipe",
    "spiped",
    "starwars",
    "sunshine",
    "superman",
    "superuser",
    "supersecret",
    "temp",
    "test",
    "testing",
    "testtest",
    "trustno",
    "user",
    "welcome",
    "whatever",
];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::commands::pair::code::Code;

    fn fault(code: &str) -> Option<CodeFault> {
        Code::new(code).err()
    }

    #[test]
    fn repetition_and_counting_are_refused() {
        for code in [
            "00000000",
            "12345678",
            "abcdefgh",
            "87654321",
            "abababab",
            "wordword",
            "aaaabbbb",
            "abcd-1234",
            "123123123",
            "1111-1111-1111-1111",
            "ABCabcABCabc",
            "abcabcabcab",
        ] {
            assert_eq!(fault(code), Some(CodeFault::Regular), "{code}");
        }
    }

    #[test]
    fn dates_are_refused() {
        for code in ["19850214", "2026-11-26", "26-11-2026", "02141985", "31121999"] {
            assert_eq!(fault(code), Some(CodeFault::Date), "{code}");
        }
        for code in ["19854214", "20261332", "18501214", "32011985", "13131985"] {
            assert_eq!(fault(code), None, "{code}");
        }
    }

    #[test]
    fn common_passwords_are_refused_in_any_dress() {
        for code in [
            "password",
            "Password1!",
            "p@ssw0rd",
            "let me in 99",
            "correct horse",
            "1q2w3e4r",
            "qwerty-2026",
            "spiped2026",
            "!!secret!!",
            "trustno1!",
            "11223344",
        ] {
            assert_eq!(fault(code), Some(CodeFault::Common), "{code}");
        }
    }

    #[test]
    fn common_word_beside_a_code_does_no_harm() {
        for code in
            ["redis 4821 0937 5526", "blue kettle", "a7k2xq9z", "58203947", "password kettle"]
        {
            assert_eq!(fault(code), None, "{code}");
        }
    }

    #[test]
    fn list_has_each_word_once_and_in_canonical_form() {
        for word in COMMON {
            assert_eq!(COMMON.iter().filter(|other| *other == word).count(), 1, "{word}");
            let counts = |byte: u8| byte.is_ascii_graphic() && byte != b'-';
            assert!(word.bytes().all(|byte| counts(byte) && !byte.is_ascii_uppercase()), "{word}");
        }
    }

    /// So `Code::generate` hardly ever tries again, and a code of random
    /// digits is hardly ever refused.
    #[test]
    fn random_digits_are_not_refused() {
        let random = (0..1000).map(|_| Code::generate().unwrap());
        let refused = random.filter(|code| check(&code.expose()[..12]).is_err());
        assert_eq!(refused.count(), 0);
    }
}
