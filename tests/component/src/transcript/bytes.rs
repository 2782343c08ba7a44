//! Bytes in their written forms.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Longer bytes are written as a digest, unless they repeat themselves. A key
/// share is not longer.
const EXACT_MAX: usize = 320;

/// The longest beginning that is looked for in bytes that repeat themselves.
const UNIT_MAX: usize = 16;

/// The written form of an answer's bytes.
pub(super) fn abridged(bytes: &[u8]) -> String {
    if bytes.len() <= EXACT_MAX || repeated(bytes).is_some() {
        exact(bytes)
    } else {
        format!("{}@{}", bytes.len(), hex(&Sha256::digest(bytes)))
    }
}

/// The written form of bytes that are given in full.
pub(super) fn exact(bytes: &[u8]) -> String {
    match repeated(bytes) {
        _ if bytes.is_empty() => "-".into(),
        Some(unit) => format!("{}*{}", bytes.len() / unit.len(), hex(unit)),
        None => hex(bytes),
    }
}

/// Reads bytes that are given in full.
pub(super) fn parse_exact(text: &str) -> Result<Vec<u8>, String> {
    if text == "-" {
        return Ok(Vec::new());
    }
    match text.split_once('*') {
        Some((count, unit)) => Ok(parse_hex(unit)?.repeat(parse_number(count)?)),
        None => parse_hex(text),
    }
}

/// Reads a decimal number as a program writes it.
fn parse_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &usize| number.to_string() == text);
    number.ok_or_else(|| format!("not a number, or too large: {text}"))
}

/// What the bytes repeat, at least four times, if they do.
fn repeated(bytes: &[u8]) -> Option<&[u8]> {
    let longest = UNIT_MAX.min(bytes.len() / 4);
    let mut units = (1..=longest).filter(|unit| bytes.len().is_multiple_of(*unit));
    let unit = units.find(|unit| bytes.chunks(*unit).all(|chunk| *chunk == bytes[..*unit]))?;
    Some(&bytes[..unit])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    let bytes = bytes.collect::<Option<Vec<u8>>>().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| format!("not bytes in lower-case hexadecimal: {text}"))
}
