//! The plain implementation: packet by packet, with the stock crates.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::in_place::Cipher;
use super::{BODY_LEN, PACKET_LEN};
use crate::keys::{DirectionKeys, MAC_LEN, hmac_sha256};

/// See [`SoftPacketCrypto`](super::SoftPacketCrypto).
pub struct Soft {
    cipher: Aes256,
    /// Keyed, with nothing hashed yet: cloned for every packet.
    mac: Hmac<Sha256>,
}

impl Soft {
    fn apply_keystream(&self, number: u64, body: &mut [u8]) {
        // Counter block: packet number, then the block's index from 0, both
        // 64-bit. 65 blocks never carry into the number.
        let block = u128::from(number) << 64;
        let counter = ctr::CtrCore::inner_iv_init(&self.cipher, &block.to_be_bytes().into());
        Ctr128BE::from_core(counter).apply_keystream(body);
    }

    fn mac(&self, number: u64, body: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(body).chain_update(number.to_be_bytes())
    }
}

impl Cipher for Soft {
    fn new(keys: &DirectionKeys) -> Self {
        Self {
            cipher: Aes256::new(keys.cipher.expose().into()),
            mac: hmac_sha256(keys.mac.expose(), &[]),
        }
    }

    fn seal(&self, first: u64, run: &mut [u8]) {
        for (packet, number) in numbered(first, run) {
            let (body, mac) = packet.split_at_mut(BODY_LEN);
            self.apply_keystream(number, body);
            mac.copy_from_slice(&self.mac(number, body).finalize().into_bytes());
        }
    }

    fn open(&self, first: u64, run: &mut [u8]) -> usize {
        let mut authenticated = 0;
        for (packet, number) in numbered(first, run) {
            let (body, mac) = packet.split_at_mut(BODY_LEN);
            // `verify_slice` compares in constant time.
            if self.mac(number, body).verify_slice(mac).is_err() {
                break;
            }
            self.apply_keystream(number, body);
            authenticated += PACKET_LEN;
        }
        authenticated
    }
}

/// The packets of a run with their numbers. In this order the range never
/// steps past the last packet's number.
fn numbered(first: u64, run: &mut [u8]) -> impl Iterator<Item = (&mut [u8], u64)> {
    debug_assert_eq!(run.len() % PACKET_LEN, 0);
    debug_assert_eq!(PACKET_LEN, BODY_LEN + MAC_LEN);
    run.chunks_exact_mut(PACKET_LEN).zip(first..)
}
