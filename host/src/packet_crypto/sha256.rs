//! SHA-256 (FIPS 180-4) over several messages at once.

use std::slice;

use sha2::block_api::compress256;

pub(super) const BLOCK_LEN: usize = 64;
pub(super) const DIGEST_LEN: usize = 32;

pub(super) type Block = [u8; BLOCK_LEN];

/// A state, or a digest, as FIPS 180-4 writes it.
pub(super) type Words = [u32; 8];

/// A way to hash `N` messages of the same length at once.
pub(super) trait Sha256<const N: usize>: Copy {
    /// A state of each message, in the form that is best for the CPU.
    type States: Copy;

    /// Makes states of their words.
    fn states(self, words: [&Words; N]) -> Self::States;

    /// The same state for each message.
    fn same_state(self, words: &Words) -> Self::States {
        self.states([words; N])
    }

    /// The words of states.
    fn words(self, states: &Self::States) -> [Words; N];

    /// Continues over `N` messages, which are as long as the first.
    fn extend(self, states: &mut Self::States, messages: [&[Block]; N]);

    /// Continues over a block each: the words of `digests`, each under
    /// `mask` (XOR), then `rest`.
    fn extend_digests(
        self,
        states: &mut Self::States,
        digests: &Self::States,
        mask: u32,
        rest: &Words,
    );
}

/// Work that needs several messages hashed, in the way that it is given.
pub(super) trait Batch {
    /// Does as much of the work as `N` messages allow, at least one. Returns
    /// how many messages that were.
    fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize;
}

/// One message at a time, with whatever the `sha2` crate finds best.
#[derive(Clone, Copy)]
pub(super) struct Stock;

impl Sha256<1> for Stock {
    type States = Words;

    fn states(self, [words]: [&Words; 1]) -> Words {
        *words
    }

    fn words(self, state: &Words) -> [Words; 1] {
        [*state]
    }

    fn extend(self, state: &mut Words, [message]: [&[Block]; 1]) {
        compress256(state, message);
    }

    fn extend_digests(self, state: &mut Words, digest: &Words, mask: u32, rest: &Words) {
        let mut block = [0; BLOCK_LEN];
        block[..DIGEST_LEN].copy_from_slice(&bytes(digest.map(|word| word ^ mask)));
        block[DIGEST_LEN..].copy_from_slice(&bytes(*rest));
        compress256(state, slice::from_ref(&block));
    }
}

/// A digest as bytes.
pub(super) fn bytes(words: Words) -> [u8; DIGEST_LEN] {
    let mut bytes = [0; DIGEST_LEN];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    bytes
}

/// A digest from bytes.
pub(super) fn words(bytes: &[u8; DIGEST_LEN]) -> Words {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|i| u32::from_be_bytes(words[i]))
}

/// FIPS 180-4, 5.3.3: the fractions of the first 8 primes' square roots.
pub(super) const INITIAL: Words = [
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
#[cfg(any(target_arch = "x86_64", test))]
#[rustfmt::skip]
pub(super) const K: [[u32; 16]; 4] = [
    [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5,
        0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3,
        0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    ],
    [
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc,
        0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
        0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    ],
    [
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
        0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3,
        0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    ],
    [
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5,
        0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
        0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ],
];

#[cfg(test)]
mod tests {
    use super::super::backend::each_kernel;
    use super::super::tests::Random;
    use super::*;

    struct AsTheStockCrate;

    impl Batch for AsTheStockCrate {
        fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize {
            for blocks in 0..40 {
                extends_as_stock(sha256, blocks);
            }
            extends_by_digests_as_stock(sha256);
            N
        }
    }

    #[test]
    fn every_kernel_hashes_as_the_stock_crate_does() {
        each_kernel(&mut AsTheStockCrate);
    }

    fn extends_as_stock<const N: usize>(sha256: impl Sha256<N>, blocks: usize) {
        let mut random = Random(blocks as u64);
        let mut expected: [Words; N] = random_words(&mut random);
        let messages: [Vec<Block>; N] =
            std::array::from_fn(|_| (0..blocks).map(|_| random.bytes()).collect());
        let mut states = sha256.states(expected.each_ref());
        sha256.extend(&mut states, messages.each_ref().map(Vec::as_slice));
        for (state, message) in expected.iter_mut().zip(&messages) {
            compress256(state, message);
        }
        assert_eq!(sha256.words(&states), expected, "{blocks} blocks");

        let mut states = sha256.same_state(&INITIAL);
        sha256.extend(&mut states, messages.each_ref().map(Vec::as_slice));
        let mut expected = [INITIAL; N];
        for (state, message) in expected.iter_mut().zip(&messages) {
            compress256(state, message);
        }
        assert_eq!(sha256.words(&states), expected, "{blocks} blocks");
    }

    fn extends_by_digests_as_stock<const N: usize>(sha256: impl Sha256<N>) {
        let mut random = Random(7);
        for _ in 0..40 {
            let mut expected: [Words; N] = random_words(&mut random);
            let digests: [Words; N] = random_words(&mut random);
            let [[mask, ..], rest] = random_words(&mut random);
            let mut states = sha256.states(expected.each_ref());
            let digest_states = sha256.states(digests.each_ref());
            sha256.extend_digests(&mut states, &digest_states, mask, &rest);
            for (state, digest) in expected.iter_mut().zip(digests) {
                let block = [digest.map(|word| word ^ mask), rest].map(bytes);
                compress256(state, block.as_flattened().as_chunks().0);
            }
            assert_eq!(sha256.words(&states), expected);
            assert_eq!(sha256.words(&digest_states), digests);
        }
    }

    fn random_words<const N: usize>(random: &mut Random) -> [Words; N] {
        std::array::from_fn(|_| words(&random.bytes()))
    }
}
