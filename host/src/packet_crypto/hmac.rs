//! HMAC-SHA-256 (RFC 2104) of several messages in parallel.

use std::slice;

use sha2::block_api::compress256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::KEY_LEN;
use super::sha256::{BLOCK_LEN, Block, DIGEST_LEN, INITIAL, Sha256, Words};
use crate::process::secrets::Plain;

/// The mask of each byte of a padded key: of the inner hash, and of the outer.
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

/// The rest of the block after the digest in the outer hash.
const AFTER_DIGEST: Words = {
    let mut rest = [0; 8];
    rest[0] = 0x80 << 24;
    // Bits: of the padded key, and of the digest.
    rest[7] = 768;
    rest
};
const _: () = assert!(AFTER_DIGEST[7] as usize == 8 * (BLOCK_LEN + DIGEST_LEN));

/// A hashed key: the states after the padded blocks. Wiped on drop.
#[derive(ZeroizeOnDrop)]
#[repr(C)]
pub(super) struct MacKey {
    inner: Words,
    outer: Words,
}

// SAFETY: two arrays of integers of one size, one after the other; dropping it
// only wipes them.
#[allow(unsafe_code, reason = "to be kept in locked pages")]
unsafe impl Plain for MacKey {}

impl MacKey {
    /// The place for a key.
    pub(super) const fn blank() -> Self {
        Self { inner: INITIAL, outer: INITIAL }
    }

    /// Hashes a key into its place.
    pub(super) fn set(&mut self, key: &[u8; KEY_LEN]) {
        for (state, mask) in [(&mut self.inner, INNER), (&mut self.outer, OUTER)] {
            let mut block = Zeroizing::new([mask; BLOCK_LEN]);
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            *state = INITIAL;
            compress256(state, slice::from_ref(&*block));
        }
    }
}

/// The HMACs of `N` messages, in progress.
pub(super) struct Hmac<const N: usize, S: Sha256<N>> {
    sha256: S,
    inner: S::States,
    outer: S::States,
}

impl<const N: usize, S: Sha256<N>> Hmac<N, S> {
    /// All messages under one key.
    #[inline]
    pub(super) fn with_key(sha256: S, key: &MacKey) -> Self {
        let [inner, outer] = [&key.inner, &key.outer].map(|state| sha256.same_state(state));
        Self { sha256, inner, outer }
    }

    /// Each message under its own key.
    #[inline]
    pub(super) fn with_keys(sha256: S, keys: [&MacKey; N]) -> Self {
        let inner = sha256.states(keys.map(|key| &key.inner));
        let outer = sha256.states(keys.map(|key| &key.outer));
        Self { sha256, inner, outer }
    }

    /// Each message under a digest of its own.
    #[inline]
    pub(super) fn with_digests(sha256: S, keys: &S::States) -> Self {
        let [inner, outer] = [INNER, OUTER].map(|mask| {
            let mut states = sha256.same_state(&INITIAL);
            let mask = u32::from_ne_bytes([mask; 4]);
            sha256.extend_digests(&mut states, keys, mask, &[mask; 8]);
            states
        });
        Self { sha256, inner, outer }
    }

    /// Continues over `N` messages, which are as long as the first. The last
    /// of their blocks must be padded: [`pad`].
    #[inline]
    pub(super) fn update(&mut self, messages: [&[Block]; N]) {
        self.sha256.extend(&mut self.inner, messages);
    }

    /// The MACs.
    #[inline]
    pub(super) fn finish(&mut self) -> &S::States {
        self.sha256.extend_digests(&mut self.outer, &self.inner, 0, &AFTER_DIGEST);
        &self.outer
    }
}

/// Pads a message of `len` bytes. `tail` holds what is left of it after its whole
/// blocks, then zeros: one block, or two if the padding needs another.
#[inline]
pub(super) fn pad(tail: &mut [Block], len: usize) {
    let bits = 8 * (BLOCK_LEN + len) as u64;
    let bytes = tail.as_flattened_mut();
    bytes[len % BLOCK_LEN] = 0x80;
    if let Some(end) = bytes.last_chunk_mut() {
        *end = bits.to_be_bytes();
    }
}

/// A message with its padding.
pub(super) fn padded(message: &[u8]) -> Vec<Block> {
    let len = message.len();
    let mut blocks = vec![[0; BLOCK_LEN]; (len + 1 + size_of::<u64>()).div_ceil(BLOCK_LEN)];
    blocks.as_flattened_mut()[..len].copy_from_slice(message);
    pad(&mut blocks[len / BLOCK_LEN..], len);
    blocks
}
