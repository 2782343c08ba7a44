//! The layout of the messages, see `docs/pairing.md`, "Messages".

use super::error::PeerFault;
use crate::config::Side;

/// Length of each end's first message, in bytes: label, mode, side, and the
/// client's commitment or the server's public value.
pub const HELLO_LEN: usize = HEADER_LEN + VALUE_LEN;
/// Length of a public value, and of a commitment to one, in bytes.
pub const VALUE_LEN: usize = 32;
/// Length of a confirmation, in bytes.
pub const TAG_LEN: usize = 32;

/// Name and version of the protocol; begins every hash input, too.
pub(super) const LABEL: &[u8; 14] = b"spiped-pair-v1";

/// A public value, or a commitment to one.
pub(super) type Value = [u8; VALUE_LEN];

/// The method that prevents a man in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The user compares strings.
    Comparing,
    /// Both ends were given a code.
    Code,
}

impl Mode {
    /// Its byte on the wire and in every hash input.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comparing => 1,
            Self::Code => 2,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Comparing => Self::Code,
            Self::Code => Self::Comparing,
        }
    }
}

/// An end's first message.
pub(super) fn hello(side: Side, mode: Mode, value: &Value) -> [u8; HELLO_LEN] {
    let mut hello = [0; HELLO_LEN];
    hello[..HEADER_LEN].copy_from_slice(&header(side, mode));
    hello[HEADER_LEN..].copy_from_slice(value);
    hello
}

/// Whether `bytes` can become a first message of this protocol.
pub(super) fn may_be_hello(bytes: &[u8]) -> bool {
    bytes.iter().zip(LABEL).all(|(byte, expected)| byte == expected)
}

/// The value in the first message of a peer that plays `side`, in our mode.
pub(super) fn parse_hello(
    hello: &[u8; HELLO_LEN],
    side: Side,
    mode: Mode,
) -> Result<Value, PeerFault> {
    let (our_side, other_mode) = (side.other(), mode.other());
    let is = |side, mode| hello.starts_with(&header(side, mode));
    if is(side, mode) {
        let mut value = [0; VALUE_LEN];
        value.copy_from_slice(&hello[HEADER_LEN..]);
        Ok(value)
    } else if is(side, other_mode) {
        Err(PeerFault::OtherMode)
    } else if is(our_side, mode) || is(our_side, other_mode) {
        Err(PeerFault::SameSide)
    } else {
        Err(PeerFault::NotPairing)
    }
}

fn header(side: Side, mode: Mode) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..LABEL.len()].copy_from_slice(LABEL);
    header[LABEL.len()] = mode.byte();
    header[LABEL.len() + 1] = match side {
        Side::Client => b'C',
        Side::Server => b'S',
    };
    header
}

/// Label, mode and side.
const HEADER_LEN: usize = LABEL.len() + 2;
