//! Bytes that say where they belong.

use std::sync::LazyLock;

use crate::payload::bytes;

/// So many that no two places of a stream look alike; a prime, so that no power of
/// two is a period.
const LEN: usize = 1_048_573;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| bytes(13, LEN));

/// The bytes of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    start: u64,
}

impl Content {
    /// Those of this stream, which are others than those of any other.
    pub(super) fn of(stream: u64) -> Self {
        Self { start: stream * 7919 }
    }

    /// From here on, as many as there are in one piece.
    fn at(self, offset: u64) -> &'static [u8] {
        let place = (self.start + offset) % LEN as u64;
        &TABLE[usize::try_from(place).expect("within the table")..]
    }

    /// Appends so many from here on.
    pub(super) fn append(self, mut offset: u64, mut count: usize, to: &mut Vec<u8>) {
        while count > 0 {
            let piece = self.at(offset);
            let piece = &piece[..piece.len().min(count)];
            to.extend_from_slice(piece);
            offset += piece.len() as u64;
            count -= piece.len();
        }
    }

    /// Whether these are those from here on.
    pub(super) fn is(self, mut offset: u64, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let piece = self.at(offset);
            let count = piece.len().min(bytes.len());
            if piece[..count] != bytes[..count] {
                return false;
            }
            offset += count as u64;
            bytes = &bytes[count..];
        }
        true
    }
}
