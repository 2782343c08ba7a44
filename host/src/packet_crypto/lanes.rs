//! SHA-256 of several messages in parallel, a message per lane of a vector:
//! Gueron and Krasnov, "Simultaneous hashing of multiple messages" (2012).

use super::sha256::{K, Words};

/// A vector with one 32-bit word of each message.
pub(super) trait Lanes: Copy {
    /// A word in every lane. Of `self` only that it exists matters.
    fn splat(self, word: u32) -> Self;
    fn add(self, other: Self) -> Self;
    fn rotate_right(self, count: i32) -> Self;
    fn shift_right(self, count: i32) -> Self;
    /// Of each bit: whether an odd number of the three is set.
    fn parity(self, b: Self, c: Self) -> Self;
    /// Of each bit: `b` where it is set, else `c`.
    fn choose(self, b: Self, c: Self) -> Self;
    /// Of each bit: what at least two of the three have.
    fn majority(self, b: Self, c: Self) -> Self;
}

/// FIPS 180-4, 6.2.2, on every lane. `w` is a block of each message: its
/// first words, its second words, and so on.
///
/// Inlined into a function that enables the vectors' CPU feature.
#[inline(always)]
pub(super) fn compress<V: Lanes>(state: &mut [V; 8], mut w: [V; 16]) {
    // Spelt out, so that indices are constants and `w` stays in registers.
    macro_rules! for_16 {
        ($body:ident) => { $body!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    }
    let mut s = *state;
    let [scheduled @ .., last] = &K;
    for k in scheduled {
        macro_rules! round_and_schedule {
            ($($i:literal)*) => { $(
                s = round(s, w[$i].add(w[$i].splat(k[$i])));
                // The word 16 rounds on. Here, not after the 16 rounds: it
                // fills the gaps in the round's chain of dependencies.
                w[$i] = w[$i]
                    .add(small_sigma0(w[($i + 1) % 16]))
                    .add(w[($i + 9) % 16].add(small_sigma1(w[($i + 14) % 16])));
            )* };
        }
        for_16!(round_and_schedule);
    }
    macro_rules! only_round {
        ($($i:literal)*) => { $( s = round(s, w[$i].add(w[$i].splat(last[$i]))); )* };
    }
    for_16!(only_round);
    for (state, s) in state.iter_mut().zip(s) {
        *state = state.add(s);
    }
}

#[inline(always)]
#[expect(clippy::many_single_char_names, reason = "the standard's names")]
fn round<V: Lanes>([a, b, c, d, e, f, g, h]: [V; 8], word: V) -> [V; 8] {
    let t1 = h.add(word).add(e.choose(f, g)).add(big_sigma1(e));
    let t2 = big_sigma0(a).add(a.majority(b, c));
    [t1.add(t2), a, b, c, d.add(t1), e, f, g]
}

#[inline(always)]
fn big_sigma0<V: Lanes>(x: V) -> V {
    x.rotate_right(2).parity(x.rotate_right(13), x.rotate_right(22))
}

#[inline(always)]
fn big_sigma1<V: Lanes>(x: V) -> V {
    x.rotate_right(6).parity(x.rotate_right(11), x.rotate_right(25))
}

#[inline(always)]
fn small_sigma0<V: Lanes>(x: V) -> V {
    x.rotate_right(7).parity(x.rotate_right(18), x.shift_right(3))
}

#[inline(always)]
fn small_sigma1<V: Lanes>(x: V) -> V {
    x.rotate_right(17).parity(x.rotate_right(19), x.shift_right(10))
}

/// A block of each message: the words of a digest, each under `mask` (XOR), then
/// `rest`.
#[inline(always)]
pub(super) fn digest_block<V: Lanes>(digests: &[V; 8], mask: u32, rest: &Words) -> [V; 16] {
    let any = digests[0];
    let masked = |digest: V| digest.parity(any.splat(mask), any.splat(0));
    std::array::from_fn(|i| if i < 8 { masked(digests[i]) } else { any.splat(rest[i - 8]) })
}

/// The words of all lanes, from each lane's own.
#[inline(always)]
pub(super) fn from_words<const N: usize>(words: [&Words; N]) -> [[u32; N]; 8] {
    std::array::from_fn(|i| words.map(|words| words[i]))
}

/// Each lane's own words, from the words of all lanes.
#[inline(always)]
pub(super) fn to_words<const N: usize>(lanes: [[u32; N]; 8]) -> [Words; N] {
    std::array::from_fn(|lane| lanes.map(|lanes| lanes[lane]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sha256::{Block, Sha256};
    use super::*;

    /// The code for vectors on arrays, so that every machine can test it.
    #[derive(Clone, Copy)]
    pub(crate) struct Arrays;

    impl<const N: usize> Sha256<N> for Arrays {
        type States = [[u32; N]; 8];

        fn states(self, words: [&Words; N]) -> [[u32; N]; 8] {
            from_words(words)
        }

        fn words(self, states: &[[u32; N]; 8]) -> [Words; N] {
            to_words(*states)
        }

        fn extend(self, states: &mut [[u32; N]; 8], messages: [&[Block]; N]) {
            for block in 0..messages[0].len() {
                let words = messages.map(|message| message[block].as_chunks().0);
                let word = |i: usize| words.map(|words| u32::from_be_bytes(words[i]));
                compress(states, std::array::from_fn(word));
            }
        }

        fn extend_digests(
            self,
            states: &mut [[u32; N]; 8],
            digests: &[[u32; N]; 8],
            mask: u32,
            rest: &Words,
        ) {
            compress(states, digest_block(digests, mask, rest));
        }
    }

    impl<const N: usize> Lanes for [u32; N] {
        fn splat(self, word: u32) -> Self {
            [word; N]
        }

        fn add(self, other: Self) -> Self {
            std::array::from_fn(|i| self[i].wrapping_add(other[i]))
        }

        fn rotate_right(self, count: i32) -> Self {
            self.map(|word| word.rotate_right(count.cast_unsigned()))
        }

        fn shift_right(self, count: i32) -> Self {
            self.map(|word| word >> count)
        }

        fn parity(self, b: Self, c: Self) -> Self {
            std::array::from_fn(|i| self[i] ^ b[i] ^ c[i])
        }

        fn choose(self, b: Self, c: Self) -> Self {
            std::array::from_fn(|i| (self[i] & b[i]) | (!self[i] & c[i]))
        }

        fn majority(self, b: Self, c: Self) -> Self {
            std::array::from_fn(|i| (self[i] & b[i]) | (self[i] & c[i]) | (b[i] & c[i]))
        }
    }
}
