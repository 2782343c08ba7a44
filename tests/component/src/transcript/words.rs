//! The words of the format for sides, options, states and failures.

use spiped_core::{Error, ForwardSecrecy, KeyExchange, Misuse, PeerFault, Side, Status};

use super::bytes::parse_number;

pub(crate) const SIDES: [(&str, Side); 2] = [("client", Side::Client), ("server", Side::Server)];

pub(crate) const FORWARD_SECRECY: [(&str, ForwardSecrecy); 3] = [
    ("offer", ForwardSecrecy::Offer),
    ("require", ForwardSecrecy::Require),
    ("omit", ForwardSecrecy::Omit),
];

/// What a session may be told.
pub(super) const KEY_EXCHANGES: [(&str, Option<KeyExchange>); 3] = [
    ("any", None),
    ("modp2048", Some(KeyExchange::Modp2048)),
    ("x25519", Some(KeyExchange::X25519)),
];

/// What a session may answer.
pub(super) const KEY_EXCHANGES_IN_USE: [(&str, Option<KeyExchange>); 3] = [
    ("none", None),
    ("modp2048", Some(KeyExchange::Modp2048)),
    ("x25519", Some(KeyExchange::X25519)),
];

pub(super) const STATUSES: [(&str, Status); 3] = [
    ("handshaking", Status::Handshaking),
    ("computing", Status::Computing),
    ("established", Status::Established),
];

/// All failures, but for the two that have numbers.
pub const FAILURES: [(&str, Error); 19] = [
    ("peer wrong-key", Error::Peer(PeerFault::WrongKey)),
    ("peer public-value-out-of-range", Error::Peer(PeerFault::PublicValueOutOfRange)),
    ("peer low-order-public-value", Error::Peer(PeerFault::LowOrderPublicValue)),
    ("peer no-forward-secrecy", Error::Peer(PeerFault::NoForwardSecrecy)),
    ("peer data-after-end", Error::Peer(PeerFault::DataAfterEnd)),
    ("peer cut-off-in-handshake", Error::Peer(PeerFault::CutOffInHandshake)),
    ("peer cut-off-in-packet", Error::Peer(PeerFault::CutOffInPacket)),
    ("peer cut-off-before-end", Error::Peer(PeerFault::CutOffBeforeEnd)),
    ("misuse secret-length", Error::Misuse(Misuse::SecretLength)),
    ("misuse secret-count", Error::Misuse(Misuse::SecretCount)),
    ("misuse entropy-length", Error::Misuse(Misuse::EntropyLength)),
    ("misuse contradictory-config", Error::Misuse(Misuse::ContradictoryConfig)),
    ("misuse start-order", Error::Misuse(Misuse::StartOrder)),
    ("misuse nothing-to-compute", Error::Misuse(Misuse::NothingToCompute)),
    ("misuse not-established", Error::Misuse(Misuse::NotEstablished)),
    ("misuse after-eof", Error::Misuse(Misuse::AfterEof)),
    ("misuse suspended", Error::Misuse(Misuse::Suspended)),
    ("misuse bad-state", Error::Misuse(Misuse::BadState)),
    ("exhausted", Error::Exhausted),
];

const FORGED_PACKET: &str = "peer forged-packet";
const BAD_LENGTH: &str = "peer bad-length";

/// The word for a value.
pub(super) fn word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    let (word, _) = table.iter().find(|(_, other)| other == value).expect("every value is named");
    word
}

/// The value of a word.
pub(super) fn value<T: Copy>(table: &[(&'static str, T)], word: &str) -> Result<T, String> {
    let entry = table.iter().find(|(other, _)| *other == word);
    entry.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
        format!("{word:?} is none of: {}", words.join(", "))
    })
}

/// The words for a failure.
pub(super) fn failure(error: &Error) -> String {
    if let Error::Peer(PeerFault::ForgedPacket { number }) = error {
        return format!("{FORGED_PACKET} {number}");
    }
    if let Error::Peer(PeerFault::BadLength { number, length }) = error {
        return format!("{BAD_LENGTH} {number} {length}");
    }
    word(&FAILURES, error).into()
}

/// The failure of these words.
pub(super) fn parse_failure(words: &str) -> Result<Error, String> {
    let numbers = |name: &str| words.strip_prefix(name)?.strip_prefix(' ');
    if let Some(number) = numbers(FORGED_PACKET) {
        return Ok(PeerFault::ForgedPacket { number: parse_number(number)? }.into());
    }
    if let Some(numbers) = numbers(BAD_LENGTH) {
        let (number, length) = numbers.split_once(' ').ok_or("a length is missing")?;
        let (number, length) = (parse_number(number)?, parse_number(length)?);
        return Ok(PeerFault::BadLength { number, length }.into());
    }
    value(&FAILURES, words)
}
