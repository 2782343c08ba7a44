//! Base64, for a key file's content in the environment.

use alloc::vec;
use alloc::vec::Vec;

use base64ct::{Base64Unpadded, Encoding as _};
use zeroize::Zeroizing;

/// The bytes, in constant time; none if it is not base64. White space at the ends does
/// not count, padding may be left out.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.trim();
    let digits = match digits.len() % 4 {
        0 => digits.strip_suffix("==").or_else(|| digits.strip_suffix('=')).unwrap_or(digits),
        _ => digits,
    };
    let mut bytes = Zeroizing::new(vec![0; digits.len()]);
    let length = Base64Unpadded::decode(digits, &mut bytes).ok()?.len();
    bytes.truncate(length);
    (!bytes.is_empty()).then_some(bytes)
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
