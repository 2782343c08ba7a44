//! AES-256-CTR (FIPS 197, SP 800-38A) over packets. The counter block is the
//! packet number and the block's index in the packet, each 64 bits.

use aes::Aes256Enc;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr128BE, CtrCore};

#[cfg(target_arch = "x86_64")]
use super::x86::aes as x86;
use super::{BODY_LEN, KEY_LEN, Packet};

/// An expanded key, blank at first. Wiped on drop.
pub(super) enum Cipher {
    /// The `aes` crate's own choice.
    Stock(Aes256Enc),
    #[cfg(target_arch = "x86_64")]
    X86(x86::Key),
}

impl Cipher {
    /// The key of zeros serves as a blank.
    pub(super) fn stock() -> Self {
        Self::Stock(Aes256Enc::new(&[0; KEY_LEN].into()))
    }

    /// Expands a key in its place. May leave copies on the stack below the
    /// caller.
    pub(super) fn set(&mut self, key: &[u8; KEY_LEN]) {
        match self {
            Self::Stock(cipher) => *cipher = Aes256Enc::new(key.into()),
            #[cfg(target_arch = "x86_64")]
            Self::X86(cipher) => cipher.set(key),
        }
    }

    /// Encrypts or decrypts the bodies of packets.
    pub(super) fn apply_keystream(&self, first: u64, packets: &mut [Packet]) {
        match self {
            Self::Stock(cipher) => {
                for (packet, number) in packets.iter_mut().zip(first..) {
                    stock_keystream(cipher, number, &mut packet[..BODY_LEN]);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::X86(key) => key.apply_keystream(first, packets),
        }
    }
}

fn stock_keystream(cipher: &Aes256Enc, number: u64, body: &mut [u8]) {
    // The low half counts blocks and cannot carry: there are 65.
    let block = u128::from(number) << 64;
    let counter = CtrCore::inner_iv_init(cipher, &block.to_be_bytes().into());
    Ctr128BE::from_core(counter).apply_keystream(body);
}
