//! The forms in which a secret may lie about.
//!
//! Everything is looked for in pieces of 16 bytes: a copy that was partly
//! overwritten counts, and so does one whose halves went to two registers.

use sha2::block_api::compress256;

use crate::wire::Key;

/// A secret and what gives it away.
#[derive(Clone)]
pub struct Traces {
    pub(super) what: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone)]
pub(super) struct Piece {
    pub(super) form: String,
    pub(super) kind: Kind,
    pub(super) bytes: [u8; 16],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Part of the secret itself.
    Raw,
    /// Part of what HMAC makes of a key before its first message.
    State,
    /// What nothing is kept as.
    Derived,
}

impl Traces {
    /// Bytes, as they are.
    pub fn of_bytes(what: &str, bytes: &[u8]) -> Self {
        let mut traces = Self { what: what.into(), pieces: Vec::new() };
        traces.add("itself", Kind::Raw, bytes);
        traces
    }

    /// A number, also with its least significant byte first.
    pub fn of_number(what: &str, bytes: &[u8]) -> Self {
        let mut traces = Self::of_bytes(what, bytes);
        let reversed: Vec<_> = bytes.iter().rev().copied().collect();
        traces.add("reversed", Kind::Derived, &reversed);
        traces
    }

    /// A key of HMAC-SHA-256: also padded, and as the states of the two hashes
    /// after it, in words, in bytes, and with one word in all lanes.
    pub fn of_mac_key(what: &str, key: &Key) -> Self {
        let mut traces = Self::of_bytes(what, key);
        for (form, padding) in [("inner", 0x36), ("outer", 0x5c)] {
            let mut block = [padding; 64];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            traces.add(&format!("{form} block"), Kind::Derived, &block[..32]);
            let words = block[..32].as_chunks().0.iter().copied().map(u32::from_be_bytes);
            traces.add(
                &format!("{form} block in words"),
                Kind::Derived,
                &native(&words.collect::<Vec<_>>()),
            );
            let mut state = INITIAL;
            compress256(&mut state, &[block]);
            traces.add_state(&format!("{form} state"), &state);
        }
        traces
    }

    /// A key of AES-256: also all its round keys, any two of which in a row
    /// are as good as the key.
    pub fn of_cipher_key(what: &str, key: &Key) -> Self {
        let mut traces = Self::of_bytes(what, key);
        for (number, round_key) in round_keys(key).iter().enumerate().skip(2) {
            traces.add(&format!("round key {number}"), Kind::Derived, round_key);
        }
        traces
    }

    fn add_state(&mut self, form: &str, state: &[u32; 8]) {
        self.add(form, Kind::State, &native(state));
        let bytes: Vec<_> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.add(&format!("{form} in bytes"), Kind::Derived, &bytes);
        for (index, word) in state.iter().enumerate() {
            let lanes = format!("{form}, word {index} in lanes");
            self.add(&lanes, Kind::Derived, &native(&[*word; 4]));
        }
    }

    /// Cuts `bytes` into pieces, the rest left out.
    fn add(&mut self, form: &str, kind: Kind, bytes: &[u8]) {
        for (index, piece) in bytes.as_chunks().0.iter().enumerate() {
            let form = format!("{form} [{}..]", 16 * index);
            self.pieces.push(Piece { form, kind, bytes: *piece });
        }
    }
}

/// As they lie in memory.
fn native(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// FIPS 197, section 5.2.
fn round_keys(key: &Key) -> Vec<[u8; 16]> {
    let mut words: Vec<[u8; 4]> = key.as_chunks().0.to_vec();
    let mut round = 1_u8;
    for index in 8..60 {
        let mut word = words[index - 1];
        if index % 8 == 0 {
            word.rotate_left(1);
            word = word.map(substitute);
            word[0] ^= round;
            round = times_two(round);
        } else if index % 8 == 4 {
            word = word.map(substitute);
        }
        for (byte, earlier) in word.iter_mut().zip(words[index - 8]) {
            *byte ^= earlier;
        }
        words.push(word);
    }
    words.chunks(4).map(|words| words.concat().try_into().expect("four words")).collect()
}

/// FIPS 197, section 5.1.1.
fn substitute(byte: u8) -> u8 {
    let inverse = (0..=u8::MAX).find(|&other| product(byte, other) == 1).unwrap_or(0);
    (0..5).fold(0x63, |sum, turn| sum ^ inverse.rotate_left(turn))
}

/// In the field of FIPS 197, section 4.2.
fn product(one: u8, other: u8) -> u8 {
    let (product, _) = (0..8).fold((0, one), |(product, shifted), bit| {
        let addend = if other >> bit & 1 == 1 { shifted } else { 0 };
        (product ^ addend, times_two(shifted))
    });
    product
}

fn times_two(byte: u8) -> u8 {
    byte << 1 ^ if byte & 0x80 == 0 { 0 } else { 0x1b }
}

/// FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn round_keys_are_those_of_the_standard() {
        // FIPS 197, appendix A.3.
        let key = hex!("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let keys = round_keys(&key);
        assert_eq!(keys.len(), 15);
        assert_eq!(keys[2], hex!("9ba354118e6925afa51a8b5f2067fcde"));
        assert_eq!(keys[14], hex!("fe4890d1e6188d0b046df344706c631e"));
    }
}
