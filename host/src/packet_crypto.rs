//! What the native world imports: bulk packet cryptography.
//!
//! The layout is the WIT package's (`interface packet-crypto`): 1028 bytes
//! under AES-256-CTR, then HMAC-SHA-256 over them and the packet number.

use aes::Aes256;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Length of a packet, in bytes.
pub const PACKET_LEN: usize = BODY_LEN + MAC_LEN;

/// The encrypted part of a packet: 1024 bytes of message, 4 of length.
const BODY_LEN: usize = 1028;
const MAC_LEN: usize = 32;

/// One direction's keys, expanded. Wiped on drop.
pub struct Direction {
    cipher: Aes256,
    /// Keyed, with nothing hashed yet.
    mac: Hmac<Sha256>,
}

impl Direction {
    /// `None` unless both keys are 32 bytes long.
    #[must_use]
    pub fn new(cipher_key: &[u8], mac_key: &[u8]) -> Option<Self> {
        if mac_key.len() != MAC_LEN {
            return None;
        }
        Some(Self {
            cipher: Aes256::new_from_slice(cipher_key).ok()?,
            mac: Hmac::new_from_slice(mac_key).ok()?,
        })
    }

    /// Encrypts a run of packets in place and fills in their MACs. `first` is
    /// the number of the first, and none may pass the last number there is.
    pub fn seal(&self, first: u64, run: &mut [u8]) {
        for (packet, number) in run.chunks_exact_mut(PACKET_LEN).zip(first..) {
            let (body, mac) = packet.split_at_mut(BODY_LEN);
            self.apply_keystream(number, body);
            mac.copy_from_slice(&self.mac(number, body).finalize().into_bytes());
        }
    }

    /// Decrypts in place the packets of a run up to the first whose MAC does
    /// not verify, and returns their length in bytes.
    pub fn open(&self, first: u64, run: &mut [u8]) -> usize {
        let mut authentic = 0;
        for (packet, number) in run.chunks_exact_mut(PACKET_LEN).zip(first..) {
            let (body, mac) = packet.split_at_mut(BODY_LEN);
            // Compares in constant time.
            if self.mac(number, body).verify_slice(mac).is_err() {
                break;
            }
            self.apply_keystream(number, body);
            authentic += PACKET_LEN;
        }
        authentic
    }

    fn apply_keystream(&self, number: u64, body: &mut [u8]) {
        // The low half counts blocks and cannot carry: there are 65.
        let block = u128::from(number) << 64;
        let counter = CtrCore::inner_iv_init(&self.cipher, &block.to_be_bytes().into());
        Ctr128BE::from_core(counter).apply_keystream(body);
    }

    fn mac(&self, number: u64, body: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(body).chain_update(number.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction() -> Direction {
        Direction::new(&[1; 32], &[2; 32]).expect("two keys of 32 bytes")
    }

    #[test]
    fn keys_of_another_length_are_refused() {
        for (cipher, mac) in [(31, 32), (33, 32), (32, 31), (32, 33), (0, 0)] {
            assert!(Direction::new(&vec![0; cipher], &vec![0; mac]).is_none());
        }
    }

    #[test]
    fn open_undoes_seal_and_stops_at_the_first_forgery() {
        let plain: Vec<u8> = (0..=255).cycle().take(4 * PACKET_LEN).collect();
        let mut run = plain.clone();
        direction().seal(u64::MAX - 9, &mut run);
        run[2 * PACKET_LEN + 7] ^= 1;
        assert_eq!(direction().open(u64::MAX - 9, &mut run), 2 * PACKET_LEN);
        for (opened, plain) in run.chunks(PACKET_LEN).zip(plain.chunks(PACKET_LEN)).take(2) {
            assert_eq!(opened[..BODY_LEN], plain[..BODY_LEN]);
        }
    }

    #[test]
    fn a_packet_is_bound_to_its_number() {
        let mut run = vec![0; PACKET_LEN];
        direction().seal(4, &mut run);
        assert_eq!(direction().open(5, &mut run), 0);
        assert_eq!(direction().open(4, &mut run), PACKET_LEN);
    }
}
