//! What the kernels that hash a message per lane have in common, whatever their
//! vectors are. Macros, as a CPU feature cannot be a parameter.

/// Makes a kernel's type hash so many messages at once, with functions that enable
/// the features which the type proves. The module has `Lane`, and functions for the
/// same features:
///
/// - `load_words`, `splat` and `words`: from words in memory, and back;
/// - `words_of_blocks`: the first words of a block of each message, their second
///   words, and so on.
macro_rules! hash_on_lanes {
    ($kernel:ident, $count:literal, $features:literal) => {
        impl Sha256<$count> for $kernel {
            type States = [Lane; 8];

            fn states(self, words: [&Words; $count]) -> [Lane; 8] {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { states(&lanes::from_words(words)) }
            }

            fn same_state(self, words: &Words) -> [Lane; 8] {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { same_state(words) }
            }

            fn words(self, states: &[Lane; 8]) -> [Words; $count] {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { words(states) }
            }

            fn extend(self, states: &mut [Lane; 8], messages: [&[Block]; $count]) {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { extend(states, messages) }
            }

            fn extend_digests(
                self,
                states: &mut [Lane; 8],
                digests: &[Lane; 8],
                mask: u32,
                rest: &Words,
            ) {
                // SAFETY: `self` proves that the CPU has the features.
                unsafe { extend_digests(states, digests, mask, rest) }
            }
        }

        #[target_feature(enable = $features)]
        fn states(words: &[[u32; $count]; 8]) -> [Lane; 8] {
            words.each_ref().map(|words| load_words(words))
        }

        #[target_feature(enable = $features)]
        fn same_state(words: &Words) -> [Lane; 8] {
            words.map(|word| splat(word))
        }

        #[target_feature(enable = $features)]
        fn extend(states: &mut [Lane; 8], messages: [&[Block]; $count]) {
            for block in 0..messages[0].len() {
                compress(states, &words_of_blocks(messages.map(|message| &message[block])));
            }
        }

        #[target_feature(enable = $features)]
        fn extend_digests(states: &mut [Lane; 8], digests: &[Lane; 8], mask: u32, rest: &Words) {
            compress(states, &lanes::digest_block(digests, mask, rest));
        }

        /// Not inlined: it is 3 to 7 KiB of code.
        #[inline(never)]
        #[target_feature(enable = $features)]
        fn compress(states: &mut [Lane; 8], words: &[Lane; 16]) {
            lanes::compress(states, *words);
        }
    };
}

/// Makes `Lane` a vector with the arithmetic of AVX-512, whose rotations and
/// three-operand logic are one instruction each. It must exist only where the CPU
/// has the intrinsics: of an addition, the same word in all lanes, shifts by as many
/// bits in each, and a truth table.
macro_rules! lanes_of_avx512 {
    ($add:ident, $splat:ident, $rotate:ident, $shift:ident, $logic:ident) => {
        macro_rules! lane {
            ($intrinsics:expr) => {
                // SAFETY: there is a `Lane`, so the CPU has what this needs.
                Lane(unsafe { $intrinsics })
            };
        }

        impl Lanes for Lane {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                lane!($add(self.0, other.0))
            }

            #[inline(always)]
            fn splat(self, word: u32) -> Self {
                lane!($splat(word.cast_signed()))
            }

            #[inline(always)]
            fn rotate_right(self, count: i32) -> Self {
                lane!($rotate(self.0, $splat(count)))
            }

            #[inline(always)]
            fn shift_right(self, count: i32) -> Self {
                lane!($shift(self.0, $splat(count)))
            }

            // The constants are truth tables: bit `4a + 2b + c` is the result.

            #[inline(always)]
            fn parity(self, b: Self, c: Self) -> Self {
                lane!($logic::<0x96>(self.0, b.0, c.0))
            }

            #[inline(always)]
            fn choose(self, b: Self, c: Self) -> Self {
                lane!($logic::<0xca>(self.0, b.0, c.0))
            }

            #[inline(always)]
            fn majority(self, b: Self, c: Self) -> Self {
                lane!($logic::<0xe8>(self.0, b.0, c.0))
            }
        }
    };
}

pub(super) use {hash_on_lanes, lanes_of_avx512};
