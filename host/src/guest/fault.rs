//! Peer faults in words for the administrator. The program for WASI has the same words
//! for its own generated types.

use core::fmt;

use super::{PeerFault, types};

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => f.write_str("wrong key, or not a spiped peer"),
            Self::KeyExchangeNotAccepted => f.write_str(
                "it has the right key and uses --kex x25519, which --kex modp2048 here does not \
                 accept",
            ),
            Self::Reflected => f.write_str(
                "it sent our own random bytes back: an attacker reflects our data, or both hosts \
                 have the same randomness",
            ),
            Self::PublicValueOutOfRange => f.write_str("its Diffie-Hellman value is out of range"),
            Self::LowOrderPublicValue => f.write_str("its X25519 value is of low order"),
            Self::NoForwardSecrecy => {
                f.write_str("it omits forward secrecy (-f there), which -g requires")
            }
            Self::ForgedPacket(packet) => {
                write!(f, "packet {packet} is forged or corrupted")
            }
            Self::BadLength(types::BadLength { packet_number, length }) => {
                write!(f, "packet {packet_number} declares an impossible length of {length} bytes")
            }
            Self::DataAfterEndMark => f.write_str("bytes came after its end mark"),
            Self::TruncatedInHandshake => f.write_str("closed in the handshake"),
            Self::TruncatedInPacket => f.write_str("truncated inside a packet"),
            Self::TruncatedBeforeEndMark => f.write_str("truncated: the end mark is missing"),
        }
    }
}
