//! Derives all keys from the shared value, see `docs/pairing.md`, "Keys".

use alloc::format;
use alloc::string::String;

use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::message::{LABEL, Mode, TAG_LEN, Value};
use crate::config::Side;
use crate::keys::{MacKey, block, hmac_sha256};
use crate::secret::Secret;

/// The new key file's content.
pub type Key = Secret<32>;

/// A client's commitment to its public value.
pub(super) fn commitment(mode: Mode, public: &Value) -> Value {
    let hash = Sha256::new().chain_update(LABEL).chain_update([mode.byte()]);
    hash.chain_update(public).finalize().into()
}

/// Whether the commitment is to `public`.
pub(super) fn opens(commitment: &Value, mode: Mode, public: &Value) -> bool {
    self::commitment(mode, public).ct_eq(commitment).into()
}

/// All public values of one exchange, as this end saw them.
pub(super) struct Transcript<'a> {
    pub(super) mode: Mode,
    pub(super) commitment: &'a Value,
    pub(super) server: &'a Value,
    pub(super) client: &'a Value,
}

impl Transcript<'_> {
    fn hash(&self) -> [u8; 32] {
        let hash = Sha256::new().chain_update(LABEL).chain_update([self.mode.byte()]);
        let hash = hash.chain_update(self.commitment).chain_update(self.server);
        hash.chain_update(self.client).finalize().into()
    }
}

/// The keys derived from the shared value.
pub(super) struct Keys {
    transcript: [u8; 32],
    client: MacKey,
    server: MacKey,
    pub(super) key_file: Key,
    string: Secret<32>,
}

impl Keys {
    pub(super) fn derive(shared: &Secret<32>, transcript: &Transcript<'_>) -> Self {
        let mode = transcript.mode.byte();
        let transcript = transcript.hash();
        let salted = hmac_sha256(shared.expose(), &[LABEL, &[mode], &transcript]);
        let [client, server, key_file, string] = [1, 2, 3, 4].map(|index| block(&salted, index));
        Self { transcript, client, server, key_file, string }
    }

    /// The tag with which `side` confirms that it has the same keys and transcript.
    pub(super) fn tag(&self, side: Side) -> [u8; TAG_LEN] {
        let key = match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        hmac_sha256(key.expose(), &[&self.transcript]).finalize().into_bytes().into()
    }

    /// Whether `tag` is that of `side`.
    pub(super) fn verifies(&self, side: Side, tag: &[u8; TAG_LEN]) -> bool {
        self.tag(side).ct_eq(tag).into()
    }

    /// The string that the user compares: twelve digits, 39.8 bits.
    pub(super) fn string(&self) -> String {
        let (start, _) = self.string.expose().split_first_chunk().unwrap_or((&[0; 8], &[]));
        // The bias is one part in 18 million.
        let number = u64::from_be_bytes(*start) % 1_000_000_000_000;
        let (first, rest) = (number / 100_000_000, number % 100_000_000);
        format!("{first:04} {:04} {:04}", rest / 10_000, rest % 10_000)
    }
}
