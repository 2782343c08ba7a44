//! The last state: this end has the keys, and the ends confirm them.

use alloc::vec::Vec;

use super::error::{Misuse, PeerFault};
use super::message::{Mode, TAG_LEN};
use super::schedule::{Key, Keys};
use super::status::Status;
use crate::config::Side;
use crate::inbound::Inbound;

/// An end that has the keys and waits for confirmations.
pub(super) struct Confirming {
    side: Side,
    mode: Mode,
    keys: Keys,
    tag: Inbound<TAG_LEN>,
    /// Whether our tag has been sent.
    confirmed: bool,
    /// Whether the peer's tag has arrived and verified.
    verified: bool,
}

impl Confirming {
    /// A client with a code confirms immediately: its tag lets anyone who plays the
    /// server test one code, which they may do in any case. A server answers only after
    /// it has verified that tag, so that it tells an impostor nothing.
    pub(super) fn begin(side: Side, mode: Mode, keys: Keys, out: &mut Vec<u8>) -> Self {
        let tag = Inbound::new();
        let mut this = Self { side, mode, keys, tag, confirmed: false, verified: false };
        if (side, mode) == (Side::Client, Mode::Code) {
            this.send_tag(out);
        }
        this
    }

    /// Consumes bytes from the peer.
    pub(super) fn receive(
        &mut self,
        bytes: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), PeerFault> {
        if self.verified {
            return if bytes.is_empty() { Ok(()) } else { Err(PeerFault::Surplus) };
        }
        let Some(tag) = self.tag.fill(bytes) else {
            return Ok(());
        };
        if !self.keys.verifies(self.side.other(), tag) {
            return Err(PeerFault::WrongConfirmation);
        }
        self.verified = true;
        if self.mode == Mode::Code && !self.confirmed {
            self.send_tag(out);
        }
        Ok(())
    }

    /// The user has confirmed the strings.
    pub(super) fn confirm(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.check_comparing()?;
        self.send_tag(out);
        Ok(())
    }

    /// Fails unless the user has to compare strings.
    pub(super) fn check_comparing(&self) -> Result<(), Misuse> {
        if self.mode == Mode::Code || self.confirmed {
            Err(Misuse::NothingToConfirm)
        } else {
            Ok(())
        }
    }

    /// The key, after both ends have confirmed.
    pub(super) fn agreed(&self) -> Option<Key> {
        (self.confirmed && self.verified).then(|| self.keys.key_file.clone())
    }

    pub(super) fn status(&self) -> Status {
        match (self.confirmed, self.mode) {
            (true, _) => Status::Confirmed,
            (false, Mode::Comparing) => Status::Comparing(self.keys.string()),
            (false, Mode::Code) => Status::Exchanging,
        }
    }

    fn send_tag(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.keys.tag(self.side));
        self.confirmed = true;
    }
}
