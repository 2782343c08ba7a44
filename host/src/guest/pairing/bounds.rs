//! The possible answers of an exchange.

use zeroize::Zeroizing;

use super::{Output, Status};
use crate::guest::Side;

/// The host's checks on an exchange. They stop a broken guest before anything is sent
/// to a stranger, shown on a terminal, or taken for a key that nobody has confirmed.
pub(super) struct Bounds {
    side: Side,
    has_code: bool,
    /// Whether the user has confirmed.
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
    /// The bounds of an exchange that has not begun.
    pub(super) fn new(side: Side, has_code: bool) -> Self {
        Self { side, has_code, confirmed: false, received: 0, sent: 0 }
    }

    /// Records bytes from the peer.
    pub(super) fn receive(&mut self, len: usize) {
        self.received = self.received.saturating_add(len);
    }

    /// Records the user's confirmation.
    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Checks the answer to a call.
    pub(super) fn allow(&mut self, output: &Output) -> bool {
        self.sent = self.sent.saturating_add(output.to_peer.len());
        self.sent <= self.may_have_sent() && self.may_stand_at(&output.status)
    }

    /// The key, if the exchange can have one.
    pub(super) fn allow_key(&self, key: &Zeroizing<Vec<u8>>) -> Option<Zeroizing<[u8; 32]>> {
        let mut content = Zeroizing::new([0; 32]);
        if key.len() != content.len() || !self.may_stand_at(&Status::Agreed) {
            return None;
        }
        content.copy_from_slice(key);
        Some(content)
    }

    fn may_have_sent(&self) -> usize {
        let before_the_tag = match (self.side, self.has_heard()) {
            (Side::Client, false) | (Side::Server, true) => HELLO_LEN,
            (Side::Client, true) => HELLO_LEN + REST_LEN,
            (Side::Server, false) => 0,
        };
        // With a code, the client confirms first.
        let before_our_tag = match (self.side, self.has_code) {
            (Side::Server, true) => self.before_the_tag() + REST_LEN,
            (Side::Client | Side::Server, _) => self.before_the_tag(),
        };
        let may_confirm = self.has_confirmed() && self.received >= before_our_tag;
        before_the_tag + if may_confirm { REST_LEN } else { 0 }
    }

    fn may_stand_at(&self, status: &Status) -> bool {
        match status {
            Status::Waiting => !self.has_heard(),
            Status::Exchanging => self.has_heard(),
            Status::Comparing(string) => {
                !self.has_code && self.received >= self.before_the_tag() && is_string(string)
            }
            Status::Confirmed => self.has_confirmed() && self.received >= self.before_the_tag(),
            Status::Agreed => {
                self.has_confirmed() && self.received >= self.before_the_tag() + REST_LEN
            }
        }
    }

    /// How many bytes the peer sends before its confirmation.
    fn before_the_tag(&self) -> usize {
        match self.side {
            Side::Client => HELLO_LEN,
            Side::Server => HELLO_LEN + REST_LEN,
        }
    }

    fn has_heard(&self) -> bool {
        self.received >= HELLO_LEN
    }

    fn has_confirmed(&self) -> bool {
        self.confirmed || self.has_code
    }
}

/// Three groups of four digits.
fn is_string(text: &str) -> bool {
    text.len() == 14
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 9 => byte == b' ',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_without_the_users_yes() {
        let key = Zeroizing::new(vec![7; 32]);
        let mut bounds = Bounds::new(Side::Server, false);
        bounds.receive(112);
        assert!(bounds.allow_key(&key).is_none());
        assert!(!bounds.may_stand_at(&Status::Agreed));
        assert!(!bounds.may_stand_at(&Status::Confirmed));
        bounds.confirm();
        assert_eq!(bounds.allow_key(&key), Some(Zeroizing::new([7; 32])));
        assert!(bounds.allow_key(&Zeroizing::new(vec![7; 31])).is_none());
        bounds.received -= 1;
        assert!(bounds.allow_key(&key).is_none());
    }

    #[test]
    fn stranger_gets_nothing() {
        let mut bounds = Bounds::new(Side::Server, false);
        bounds.receive(47);
        let mut output = Output { to_peer: Vec::new(), status: Status::Waiting };
        assert!(bounds.allow(&output));
        assert!(!bounds.may_stand_at(&Status::Exchanging));
        output.to_peer.push(0);
        assert!(!bounds.allow(&output));
    }

    #[test]
    fn terminal_gets_digits_only() {
        let mut bounds = Bounds::new(Side::Server, false);
        bounds.receive(80);
        for text in ["0123 4567 8901", "0000 0000 0000"] {
            assert!(bounds.may_stand_at(&Status::Comparing(text.into())));
        }
        for text in ["", "0123 4567 890\x1b", "0123-4567-8901", "012345678901", "0123 4567 89012"] {
            assert!(!bounds.may_stand_at(&Status::Comparing(text.into())), "{text:?}");
        }
    }
}
