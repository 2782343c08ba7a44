//! Fingerprints of keys: the same on both hosts, and safe to read aloud. See
//! `docs/pairing.md`, "Fingerprints".

use std::fmt;

use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;

use crate::keys::file::Psk;

/// Sixty bits that follow from a key, and from which it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of `psk`; takes some 50 ms, to make guessing slow.
    ///
    /// PBKDF2-HMAC-SHA-256 (RFC 8018, section 5.2). Its salt is shorter than
    /// anything the protocol computes an HMAC of under this key.
    #[must_use]
    pub(crate) fn of(psk: &Psk) -> Self {
        let derived: [u8; 32] = pbkdf2_hmac_array::<Sha256, 32>(psk.expose(), SALT, ITERATIONS);
        let (start, _) = derived.split_first_chunk().unwrap_or((&[0; 8], &[]));
        Self(u64::from_be_bytes(*start) >> (u64::BITS - BITS))
    }
}

/// Three groups of four digits, as in `7k3q-x9dm-4hzt`.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for position in 0..DIGITS {
            if position != 0 && position % GROUP == 0 {
                f.write_str("-")?;
            }
            let shifted = self.0 >> (BITS_PER_DIGIT * (DIGITS - 1 - position));
            let digit = usize::try_from(shifted).unwrap_or_default() % ALPHABET.len();
            write!(f, "{}", char::from(ALPHABET[digit]))?;
        }
        Ok(())
    }
}

/// Keeps this apart from all other uses of the key.
const SALT: &[u8] = b"spiped key fingerprint v1";

/// As many times as slow as a single hash.
const ITERATIONS: u32 = 100_000;

const BITS: u32 = 60;
const BITS_PER_DIGIT: u32 = 5;
const DIGITS: u32 = BITS / BITS_PER_DIGIT;
const GROUP: u32 = 4;

/// Crockford's base 32, in lower case: without i, l, o and u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_the_documented_one() {
        // SHA-256 of "spiped test key\n".
        let psk = Psk::copy_of(&[
            0x3c, 0xf1, 0x03, 0xf3, 0x82, 0x15, 0x96, 0x02, 0xa1, 0xb6, 0x5b, 0x31, 0xc2, 0xa1,
            0xf5, 0xce, 0xcb, 0x1d, 0x2d, 0xc5, 0x38, 0x97, 0xf6, 0x24, 0x1d, 0x2c, 0x41, 0x30,
            0xf0, 0x62, 0x61, 0x73,
        ]);
        let fingerprint = Fingerprint::of(&psk).to_string();
        // From Python's hashlib.
        assert_eq!(fingerprint, "6441-h859-kt3w");
        assert!(include_str!("../../../docs/pairing.md").contains(&fingerprint));
    }

    #[test]
    fn all_digits_are_shown() {
        assert_eq!(Fingerprint(0).to_string(), "0000-0000-0000");
        assert_eq!(Fingerprint((1 << BITS) - 1).to_string(), "zzzz-zzzz-zzzz");
        assert_eq!(Fingerprint(0x0123_4567_89ab_cdef).to_string(), "28t5-cy4t-qkff");
    }
}
