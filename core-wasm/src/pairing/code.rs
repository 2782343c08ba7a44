//! The canonical form of codes: `docs/pairing.md`, "Codes".

use alloc::vec::Vec;

use subtle::{Choice, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

use super::error::Misuse;

/// The fewest characters of a code: each run is one guess for an attacker.
const CODE_LEN_MIN: usize = 6;
/// The most characters of a code.
const CODE_LEN_MAX: usize = 1024;

/// The bytes that both ends use, however their users typed the code: spaces and hyphens
/// are ignored, and upper-case letters are replaced by lower-case ones.
///
/// The time and the addresses depend only on where the spaces and hyphens are, which is
/// not secret, and on nothing else of the code.
///
/// # Errors
/// [`Misuse::CodeCharacters`], [`Misuse::CodeLength`].
pub(super) fn canonical(code: &str) -> Result<Zeroizing<Vec<u8>>, Misuse> {
    let code = code.trim_ascii();
    // Never reallocated, which would leave a copy behind.
    let mut canonical = Zeroizing::new(Vec::with_capacity(code.len()));
    let mut is_printable = Choice::from(1);
    for byte in code.bytes() {
        is_printable &= byte.wrapping_sub(b' ').ct_lt(&(b'~' - b' ' + 1));
        // The only branch on the code. As a computed index, it would make the length of
        // everything after it depend on secrets, and a check that follows secrets could
        // not distinguish a leak of the code from its length.
        if bool::from(!(byte.ct_eq(&b' ') | byte.ct_eq(&b'-'))) {
            canonical.push(byte.to_ascii_lowercase());
        }
    }
    if !bool::from(is_printable) {
        Err(Misuse::CodeCharacters)
    } else if (CODE_LEN_MIN..=CODE_LEN_MAX).contains(&canonical.len()) {
        Ok(canonical)
    } else {
        Err(Misuse::CodeLength)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_count() {
        for code in ["kettle7blue", " Kettle-7 BLUE\r\n", "ket tle--7blue-"] {
            assert_eq!(**canonical(code).as_ref().unwrap(), *b"kettle7blue", "{code:?}");
        }
        assert_eq!(**canonical("kettle_7~blue").as_ref().unwrap(), *b"kettle_7~blue");
    }

    #[test]
    fn length_is_that_of_what_counts() {
        for code in ["", "12345", " 1-2-3 4-5 ", &"x".repeat(1025)] {
            assert_eq!(canonical(code).err(), Some(Misuse::CodeLength), "{code:?}");
        }
        assert!(canonical("1-2-3-4-5-6").is_ok());
        assert!(canonical(&"x- ".repeat(1024)).is_ok());
    }

    #[test]
    fn code_is_printable_ascii() {
        for code in ["grüner Kessel", "blue\tkettle", "blue\0kettle", "blue kettle\x7f"] {
            assert_eq!(canonical(code).err(), Some(Misuse::CodeCharacters), "{code:?}");
        }
    }
}
