//! Bytes in their written forms.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// Bytes an answer must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// Exactly these.
    Exact(Vec<u8>),
    /// This many, with this hash.
    Digest {
        /// How many.
        length: usize,
        /// Their SHA-256.
        sha256: [u8; 32],
    },
}

/// Longer bytes are written as a digest, unless they repeat themselves. A key
/// share is not longer.
const EXACT_MAX: usize = 320;

/// The longest beginning that is looked for in bytes that repeat themselves.
const UNIT_MAX: usize = 16;

impl Bytes {
    /// These bytes, in the form that is the shortest and yet tells something.
    pub(crate) fn abridged(bytes: Vec<u8>) -> Self {
        if bytes.len() <= EXACT_MAX || repeated(&bytes).is_some() {
            Self::Exact(bytes)
        } else {
            Self::Digest { length: bytes.len(), sha256: Sha256::digest(&bytes).into() }
        }
    }

    /// Whether `bytes` are these.
    #[must_use]
    pub fn are(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact == bytes,
            Self::Digest { length, sha256 } => {
                *length == bytes.len() && Sha256::digest(bytes)[..] == sha256[..]
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.are(&[])
    }

    /// Reads any of the forms.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((length, digest)) = text.split_once('@') else {
            return parse_exact(text).map(Self::Exact);
        };
        let length = parse_number(length)?;
        let sha256 = parse_hex(digest)?;
        let sha256 = sha256.try_into().map_err(|_| format!("not a SHA-256: {digest}"))?;
        Ok(Self::Digest { length, sha256 })
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(bytes) => f.write_str(&exact(bytes)),
            Self::Digest { length, sha256 } => write!(f, "{length}@{}", hex(sha256)),
        }
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
pub(super) fn parse_number<N: std::str::FromStr + ToString>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|number: &N| number.to_string() == text);
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
