//! What an exchange answers, in the host's own terms, and the host's checks on
//! it.

use std::fmt;

use zeroize::Zeroizing;

use super::{Failure, PeerFault, ProtocolFailure};
use crate::guest::Side;
use crate::guest::bindings::exports::spiped::pipe::pairing;

/// What a call produced: send it, then act on the status.
#[derive(Debug)]
pub struct Output {
    /// Bytes for the peer.
    pub to_peer: Vec<u8>,
    /// Where the exchange stands.
    pub status: Status,
}

/// Where an exchange stands.
#[derive(Clone, PartialEq, Eq)]
pub enum Status {
    /// No complete first message has come yet.
    Waiting,
    /// The peer speaks this protocol.
    Exchanging,
    /// For the user to compare: twelve digits in three groups.
    Comparing(String),
    /// We have confirmed; the peer has not yet.
    Confirmed,
    /// Both have. The content of the key file.
    Agreed(Zeroizing<[u8; 32]>),
    /// It is over.
    Failed(Failure),
}

/// Without the key.
impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("Waiting"),
            Self::Exchanging => f.write_str("Exchanging"),
            Self::Comparing(string) => write!(f, "Comparing({string})"),
            Self::Confirmed => f.write_str("Confirmed"),
            Self::Agreed(_) => f.write_str("Agreed(..)"),
            Self::Failed(failure) => write!(f, "Failed({failure:?})"),
        }
    }
}

impl Output {
    /// Nothing but a failure.
    pub(super) fn failed(failure: Failure) -> Self {
        Self { to_peer: Vec::new(), status: Status::Failed(failure) }
    }
}

/// What an exchange can rightly answer. A broken guest is stopped here: before
/// anything is sent to a stranger, shown on a terminal, or taken for a key
/// that nobody has confirmed.
pub(super) struct Bounds {
    side: Side,
    has_code: bool,
    /// Whether the user has.
    confirmed: bool,
    /// Bytes that came from the peer.
    received: usize,
    /// Bytes that went to the peer.
    sent: usize,
}

/// Bytes of an end's first message.
const HELLO_LEN: usize = 48;
/// Bytes of a public value, and of a confirmation.
const REST_LEN: usize = 32;

impl Bounds {
    /// Those of an exchange that has not begun.
    pub(super) fn new(side: Side, has_code: bool) -> Self {
        Self { side, has_code, confirmed: false, received: 0, sent: 0 }
    }

    /// So many bytes come from the peer.
    pub(super) fn receive(&mut self, len: usize) {
        self.received = self.received.saturating_add(len);
    }

    /// The user has said yes.
    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Passes on the answer to a call, unless it cannot be right.
    pub(super) fn check(
        &mut self,
        output: pairing::Output,
        key: Option<Zeroizing<Vec<u8>>>,
    ) -> Output {
        let pairing::Output { to_peer, status } = output;
        self.sent = self.sent.saturating_add(to_peer.len());
        match translate(status, key) {
            Some(status) if self.allow(&status) => Output { to_peer, status },
            _ => Output::failed(Failure::Guest("impossible answer".into())),
        }
    }

    fn allow(&self, status: &Status) -> bool {
        let heard = self.received >= HELLO_LEN;
        let (may_send, before_the_tag) = match (self.side, heard) {
            (Side::Client, false) => (HELLO_LEN, HELLO_LEN),
            (Side::Client, true) => (HELLO_LEN + REST_LEN, HELLO_LEN),
            (Side::Server, false) => (0, HELLO_LEN + REST_LEN),
            (Side::Server, true) => (HELLO_LEN, HELLO_LEN + REST_LEN),
        };
        let confirmed = self.confirmed || self.has_code;
        // With a code, the client is the first to confirm.
        let before_our_tag = match (self.side, self.has_code) {
            (Side::Server, true) => before_the_tag + REST_LEN,
            (Side::Client | Side::Server, _) => before_the_tag,
        };
        let may_confirm = confirmed && self.received >= before_our_tag;
        let may_send = may_send + if may_confirm { REST_LEN } else { 0 };
        let progress = match status {
            Status::Waiting => !heard,
            Status::Exchanging => heard,
            Status::Comparing(_) => !self.has_code && self.received >= before_the_tag,
            Status::Confirmed => confirmed && self.received >= before_the_tag,
            Status::Agreed(_) => confirmed && self.received >= before_the_tag + REST_LEN,
            Status::Failed(_) => true,
        };
        self.sent <= may_send && progress
    }
}

/// `None` for what no exchange says.
fn translate(status: pairing::Status, key: Option<Zeroizing<Vec<u8>>>) -> Option<Status> {
    Some(match status {
        pairing::Status::Waiting => Status::Waiting,
        pairing::Status::Exchanging => Status::Exchanging,
        pairing::Status::Comparing(string) if is_string(&string) => Status::Comparing(string),
        pairing::Status::Comparing(_) => return None,
        pairing::Status::Confirmed => Status::Confirmed,
        pairing::Status::Agreed => {
            let key = key?;
            let mut content = Zeroizing::new([0; 32]);
            if key.len() != content.len() {
                return None;
            }
            content.copy_from_slice(&key);
            Status::Agreed(content)
        }
    })
}

/// Three groups of four digits.
fn is_string(text: &str) -> bool {
    text.len() == 14
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 9 => byte == b' ',
            _ => byte.is_ascii_digit(),
        })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(ProtocolFailure::Peer(fault)) => f.write_str(match fault {
                PeerFault::NotPairing => "it does not speak the protocol of spiped pair",
                PeerFault::SameSide => "both ends play the same side",
                PeerFault::OtherMode => "one end was given a code and the other was not",
                PeerFault::BadCommitment => "its public value is not the one it promised",
                PeerFault::BadPublicValue => "its public value is refused",
                PeerFault::WrongConfirmation => "its confirmation is wrong",
                PeerFault::Surplus => "it sent more than the protocol has",
                PeerFault::Truncated => "it closed the connection",
            }),
            Self::Protocol(ProtocolFailure::Misuse(misuse)) => {
                write!(f, "the sandboxed protocol component was called wrongly: {misuse:?}")
            }
            Self::Protocol(ProtocolFailure::Rejected) => f.write_str("the strings differ"),
            Self::Guest(reason) => write!(f, "the sandboxed protocol component failed: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_without_the_users_yes() {
        let agreed = Status::Agreed(Zeroizing::new([7; 32]));
        let mut bounds = Bounds::new(Side::Server, false);
        bounds.receive(112);
        assert!(!bounds.allow(&agreed));
        assert!(!bounds.allow(&Status::Confirmed));
        bounds.confirm();
        assert!(bounds.allow(&agreed));
        bounds.received -= 1;
        assert!(!bounds.allow(&agreed));
    }

    #[test]
    fn stranger_gets_nothing() {
        let mut bounds = Bounds::new(Side::Server, false);
        bounds.receive(47);
        assert!(bounds.allow(&Status::Waiting));
        assert!(!bounds.allow(&Status::Exchanging));
        bounds.sent = 1;
        assert!(!bounds.allow(&Status::Waiting));
        assert!(!bounds.allow(&Status::Failed(Failure::Protocol(ProtocolFailure::Peer(
            PeerFault::NotPairing
        )))));
    }

    #[test]
    fn terminal_gets_digits_only() {
        for text in ["0123 4567 8901", "0000 0000 0000"] {
            assert!(is_string(text));
        }
        for text in ["", "0123 4567 890\x1b", "0123-4567-8901", "012345678901", "0123 4567 89012"] {
            assert!(!is_string(text), "{text:?}");
            assert!(translate(pairing::Status::Comparing(text.into()), None).is_none());
        }
        assert!(translate(pairing::Status::Agreed, Some(vec![0; 31].into())).is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        let agreed = Status::Agreed(Zeroizing::new([7; 32]));
        assert_eq!(format!("{agreed:?}"), "Agreed(..)");
    }
}
