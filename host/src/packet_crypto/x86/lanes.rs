//! SHA-256 of several messages in parallel, a message per lane of a vector:
//! Gueron and Krasnov, "Simultaneous hashing of multiple messages" (2012).

use super::super::sha256::{K, Words};

/// A vector with one 32-bit word of each message.
pub(super) trait Lanes: Copy {
    fn add(self, other: Self) -> Self;
    fn add_word(self, word: u32) -> Self;
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
                s = round(s, w[$i].add_word(k[$i]));
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
        ($($i:literal)*) => { $( s = round(s, w[$i].add_word(last[$i])); )* };
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

/// Each lane's own state, from the words of all lanes.
#[inline(always)]
pub(super) fn states<const N: usize>(words: [[u32; N]; 8]) -> [Words; N] {
    std::array::from_fn(|lane| words.map(|lanes| lanes[lane]))
}
