//! AES-256 (FIPS 197), eight blocks at once, bit-sliced: no table, no branch and
//! no address depends on a key or on a block.
//!
//! Käsper and Schwabe, "Faster and timing-attack resistant AES-GCM" (CHES 2009):
//! eight blocks of sixteen bytes are eight planes of 128 bits. Byte p of plane i
//! is bit i of byte p of all blocks, block j at bit j. So the S-box is a circuit
//! of gates that are 128 bits wide, and a block's bytes change places as those of
//! each plane.

use alloc::boxed::Box;
use core::array;
use core::hint::black_box;

use zeroize::Zeroizing;

use super::lanes::Lanes;
use super::sbox::substitute;

type Blocks = [Lanes; BLOCKS];
/// Of the bits of blocks: plane 0 has bit 0 of each byte of each block.
type Planes = [Lanes; 8];

/// How many blocks are encrypted at once.
pub(super) const BLOCKS: usize = 8;

const ROUNDS: usize = 14;

/// An expanded key. Wiped on drop.
pub(super) struct Aes256(Box<Zeroizing<[Planes; ROUNDS + 1]>>);

impl Aes256 {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut planes = Box::new(Zeroizing::new([[Lanes::ZERO; 8]; ROUNDS + 1]));
        let mut words = Zeroizing::new([0; 4 * (ROUNDS + 1)]);
        expand(key, &mut words);
        for (planes, words) in planes.iter_mut().zip(words.as_chunks().0) {
            *planes = transposed([Lanes::from_words(*words); 8]);
        }
        // Only the last round takes columns.
        for planes in &mut planes[..ROUNDS] {
            *planes = rearranged(*planes, Lanes::from_bytes(&TO_ROWS));
        }
        Self(planes)
    }

    /// Encrypts eight blocks.
    pub(super) fn encrypt(&self, blocks: Blocks) -> Blocks {
        let [first, keys @ .., last] = &**self.0;
        // If the places were known to the compiler, it would make a shuffle of them,
        // for which V8 then builds them anew each time: that takes a fifth longer.
        let shift_rows = black_box(Lanes::from_bytes(&SHIFT_ROWS));
        let mut state = transposed(rearranged(blocks, Lanes::from_bytes(&TO_ROWS)));
        state = add(state, first);
        for key in keys {
            state = add(mix_columns(rearranged(substitute(state), shift_rows)), key);
        }
        state = rearranged(substitute(state), Lanes::from_bytes(&SHIFT_ROWS_TO_COLUMNS));
        transposed(add(state, last))
    }
}

/// FIPS 197 has a block's bytes in four columns of four. Within [`Aes256`] a row
/// is a word, so that rows change places as words do.
const TO_ROWS: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// FIPS 197, 5.1.2: row r moves on by r.
const SHIFT_ROWS: [u8; 16] = [0, 1, 2, 3, 5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14];

/// The same, and then from rows to columns.
const SHIFT_ROWS_TO_COLUMNS: [u8; 16] = [0, 5, 10, 15, 1, 6, 11, 12, 2, 7, 8, 13, 3, 4, 9, 14];

/// The next row in the place of each.
const NEXT_ROW: [u8; 16] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3];

/// The next row but one.
const OPPOSITE_ROW: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

fn rearranged(vectors: [Lanes; 8], places: Lanes) -> [Lanes; 8] {
    vectors.map(|vector| vector.rearrange(places))
}

/// What the circuit of the S-box leaves out. It is the same in every byte, which
/// neither of a round's other steps changes: so it can be added with the key.
const LEFT_OUT: u32 = 0x6363_6363;

/// FIPS 197, 5.2: the words of all round keys, the first byte lowest; those after
/// a substitution with what that leaves out.
fn expand(key: &[u8; 32], words: &mut [u32; 4 * (ROUNDS + 1)]) {
    const KEY_WORDS: usize = 8;
    for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let mut round_constant = 1;
    for i in KEY_WORDS..words.len() {
        let mut word = words[i - 1];
        match i % KEY_WORDS {
            0 => {
                word = substitute_word(word).rotate_right(8) ^ round_constant;
                round_constant <<= 1;
            }
            4 => word = substitute_word(word),
            _ => {}
        }
        words[i] = words[i - KEY_WORDS] ^ word;
    }
    for word in &mut words[4..] {
        *word ^= LEFT_OUT;
    }
}

/// The S-box on a word.
fn substitute_word(word: u32) -> u32 {
    let mut blocks = [Lanes::ZERO; 8];
    blocks[0] = Lanes::splat(word);
    let [block, ..] = transposed(substitute(transposed(blocks)));
    let [word, ..] = block.to_words();
    word ^ LEFT_OUT
}

fn add(state: Planes, key: &Planes) -> Planes {
    array::from_fn(|i| state[i] ^ key[i])
}

/// FIPS 197, 5.1.3.
fn mix_columns(planes: Planes) -> Planes {
    let next = rearranged(planes, Lanes::from_bytes(&NEXT_ROW));
    let sums: Planes = array::from_fn(|i| planes[i] ^ next[i]);
    // Doubling moves bits up, and the highest to where the field's polynomial has
    // its terms.
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let doubled = [s7, s0 ^ s7, s1, s2 ^ s7, s3 ^ s7, s4, s5, s6];
    // Twice the sum of a byte and the next, the next, and the sum of the two after.
    let opposite = rearranged(sums, Lanes::from_bytes(&OPPOSITE_ROW));
    array::from_fn(|i| doubled[i] ^ next[i] ^ opposite[i])
}

/// From blocks to planes, and from planes to blocks: bit i of byte p of vector j
/// changes places with bit j of byte p of vector i.
fn transposed(mut v: Blocks) -> Blocks {
    for i in [0, 2, 4, 6] {
        (v[i], v[i + 1]) = exchanged::<1>(v[i], v[i + 1], 0x5555_5555);
    }
    for i in [0, 1, 4, 5] {
        (v[i], v[i + 2]) = exchanged::<2>(v[i], v[i + 2], 0x3333_3333);
    }
    for i in [0, 1, 2, 3] {
        (v[i], v[i + 4]) = exchanged::<4>(v[i], v[i + 4], 0x0f0f_0f0f);
    }
    v
}

/// The upper bits of `low` change places with the lower of `high`, in groups of
/// `COUNT` bits; `mask` has the lower ones.
fn exchanged<const COUNT: u32>(low: Lanes, high: Lanes, mask: u32) -> (Lanes, Lanes) {
    let different = (low.shift_right(COUNT) ^ high) & Lanes::splat(mask);
    (low ^ different.shift_left(COUNT), high ^ different)
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockCipherEncrypt, KeyInit};
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    /// FIPS 197, appendix C.3, in each of the eight places.
    #[test]
    fn the_standards_example_comes_out_in_every_place() {
        let key = array::from_fn(|i| u8::try_from(i).unwrap_or_default());
        let plain = hex!("00112233445566778899aabbccddeeff");
        for place in 0..8 {
            let mut blocks = [[0; 16]; 8];
            blocks[place] = plain;
            let encrypted = encrypt(&key, blocks);
            assert_eq!(encrypted[place], hex!("8ea2b7ca516745bfeafc49904b496089"), "{place}");
        }
    }

    proptest! {
        #[test]
        fn blocks_are_encrypted_as_the_stock_crate_does(
            key: [u8; 32],
            blocks: [[u8; 16]; 8],
        ) {
            let stock = aes::Aes256::new(&key.into());
            let expected: [[u8; 16]; 8] = blocks.map(|block| {
                let mut block = block.into();
                stock.encrypt_block(&mut block);
                block.into()
            });
            prop_assert_eq!(encrypt(&key, blocks), expected);
        }
    }

    /// The whole S-box, by the table's definition: FIPS 197, 5.1.1.
    #[test]
    fn every_byte_is_substituted_as_the_standard_has_it() {
        for byte in 0..=u8::MAX {
            let inverse = (0..=u8::MAX).find(|&other| product(byte, other) == 1).unwrap_or(0);
            let rotated = (0..5).fold(0, |sum, count| sum ^ inverse.rotate_left(count));
            let word = substitute_word(u32::from_le_bytes([byte; 4]));
            assert_eq!(word.to_le_bytes(), [rotated ^ 0x63; 4], "{byte:#x}");
        }
    }

    /// In the field of FIPS 197, 4.2.
    fn product(a: u8, b: u8) -> u8 {
        (0..8).rev().fold(0, |sum: u8, bit| {
            let doubled = sum << 1 ^ if sum & 0x80 == 0 { 0 } else { 0x1b };
            doubled ^ if b >> bit & 1 == 0 { 0 } else { a }
        })
    }

    fn encrypt(key: &[u8; 32], blocks: [[u8; 16]; 8]) -> [[u8; 16]; 8] {
        let blocks = blocks.each_ref().map(Lanes::from_bytes);
        Aes256::new(key).encrypt(blocks).map(Lanes::to_bytes)
    }
}
