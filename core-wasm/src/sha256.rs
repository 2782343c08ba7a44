//! SHA-256: its constants, and hashed keys of HMAC-SHA-256.

use core::slice;

use sha2::block_api::compress256;
use zeroize::Zeroize;

pub(crate) const BLOCK_LEN: usize = 64;

/// A state, or a digest, as FIPS 180-4 writes it.
pub(crate) type Words = [u32; 8];

/// A hashed key: the states after the two padded blocks of the key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keyed {
    pub(crate) inner: Words,
    pub(crate) outer: Words,
}

impl Keyed {
    pub(crate) fn set(&mut self, key: &[u8; 32], scratch: &mut Scratch) {
        for (state, padding) in [(&mut self.inner, 0x36), (&mut self.outer, 0x5c)] {
            scratch.block = [padding; BLOCK_LEN];
            for (byte, key) in scratch.block.iter_mut().zip(key) {
                *byte ^= key;
            }
            *state = INITIAL;
            compress256(state, slice::from_ref(&scratch.block));
        }
    }
}

/// Working memory for hashing: wiped once, and not for each key.
pub(crate) struct Scratch {
    pub(crate) state: Words,
    pub(crate) block: [u8; BLOCK_LEN],
}

impl Default for Scratch {
    fn default() -> Self {
        Self { state: Words::default(), block: [0; BLOCK_LEN] }
    }
}

impl Zeroize for Scratch {
    fn zeroize(&mut self) {
        self.state.zeroize();
        self.block.zeroize();
    }
}

impl Zeroize for Keyed {
    fn zeroize(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

pub(crate) fn write(words: &Words, bytes: &mut [u8]) {
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
}

/// FIPS 180-4, 5.3.3: the fractions of the first 8 primes' square roots.
const INITIAL: Words = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// FIPS 180-4, 4.2.2: the fractions of the first 64 primes' cube roots.
#[rustfmt::skip]
pub(crate) const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_remains_of_what_is_wiped() {
        let (mut keyed, mut scratch) = (Keyed::default(), Scratch::default());
        keyed.set(&[1; 32], &mut scratch);
        scratch.state = INITIAL;
        keyed.zeroize();
        scratch.zeroize();
        assert_eq!([keyed.inner, keyed.outer, scratch.state], [[0; 8]; 3]);
        assert_eq!(scratch.block, [0; BLOCK_LEN]);
    }
}
