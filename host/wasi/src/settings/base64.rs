//! Base64, for a key file's content in the environment.

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// The bytes; none if it is not base64. White space at the ends does not count,
/// padding may be left out.
///
/// Not in constant time: who can measure this program while it starts can also
/// read its environment.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim();
    let digits = match digits.len() % 4 {
        0 => digits.strip_suffix("==").or_else(|| digits.strip_suffix('=')).unwrap_or(digits),
        _ => digits,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len()));
    for group in digits.as_bytes().chunks(4) {
        let mut value = 0;
        for digit in group {
            value = value << 6 | digit_value(*digit)?;
        }
        // One digit more than bytes; what is left over must be 0.
        let count = group.len().checked_sub(1).filter(|count| *count > 0)?;
        value <<= 6 * (4 - group.len());
        let [_, three @ ..] = value.to_be_bytes();
        let (wanted, surplus) = three.split_at_checked(count)?;
        if surplus.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(wanted);
    }
    (!bytes.is_empty()).then_some(bytes)
}

fn digit_value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648_decode() {
        for (text, bytes) in [
            ("Zg==", &b"f"[..]),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("Zm9vYmE=", b"fooba"),
            ("Zm9vYmE", b"fooba"),
            ("Zm9vYmFy\n", b"foobar"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(decode(text).as_deref().map(Vec::as_slice), Some(bytes), "{text}");
        }
    }

    #[test]
    fn rubbish_does_not() {
        for text in ["", "=", "Z", "Zg=", "Zh==", "Zm9v=", "Zm 9v", "Zm-_", "Zg==Zg=="] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
