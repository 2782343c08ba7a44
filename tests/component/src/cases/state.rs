//! States of suspended sessions, changed by hand. `core-wasm/src/suspended.rs`
//! has their layout.

use sha2::{Digest, Sha256};

use super::party::Party;

/// Offsets in a state.
pub(super) const VERSION: usize = 4;
pub(super) const OLDEST_READER: usize = 5;
pub(super) const FLAGS: usize = 6;
pub(super) const SEALING_NUMBER: usize = 88;
pub(super) const OPENING_NUMBER: usize = 160;
pub(super) const PARTIAL_LEN: usize = 168;

/// Flags.
pub(super) const CRYPT_ENDED: u8 = 2;
pub(super) const X25519: u8 = 4;
pub(super) const END_MARK_RECEIVED: u8 = 8;

const CHECKSUM_LEN: usize = 16;

/// A state without its checksum.
#[derive(Clone)]
pub(super) struct State(Vec<u8>);

impl State {
    /// The state of an established session, which is over then.
    pub(super) fn of(end: &mut Party) -> Self {
        let mut bytes = end.suspend();
        bytes.truncate(bytes.len() - CHECKSUM_LEN);
        Self(bytes)
    }

    /// The same with another byte.
    pub(super) fn with(mut self, at: usize, value: u8) -> Self {
        self.0[at] = value;
        self
    }

    pub(super) fn set_number(&mut self, at: usize, number: u64) {
        self.0[at..][..8].copy_from_slice(&number.to_be_bytes());
    }

    /// The same, which had no part of a packet, with this one.
    pub(super) fn with_partial(mut self, partial: &[u8]) -> Self {
        let length = u16::try_from(partial.len()).expect("about a packet");
        self.0[PARTIAL_LEN..].copy_from_slice(&length.to_be_bytes());
        self.followed_by(partial)
    }

    /// The same with more at its end.
    pub(super) fn followed_by(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// With the right checksum.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [&self.0[..], &Sha256::digest(&self.0)[..CHECKSUM_LEN]].concat()
    }
}
