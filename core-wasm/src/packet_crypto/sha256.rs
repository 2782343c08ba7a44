//! SHA-256 of four messages at once, one in each lane of a vector: Gueron and
//! Krasnov, "Simultaneous hashing of multiple messages" (2012).

use super::lanes::Lanes;
use crate::sha256::K;

/// Continues with a block of each message: FIPS 180-4, 6.2.2.
pub(super) fn compress(state: &mut [Lanes; 8], block: &[Lanes; 16]) {
    // Spelt out, so that indices are constants and no word has an address.
    macro_rules! for_16 {
        ($body:ident) => { $body!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    }
    let mut w = *block;
    let mut s = *state;
    let [scheduled @ .., last] = K.as_chunks::<16>().0 else { return };
    for k in scheduled {
        macro_rules! round_and_schedule {
            ($($i:literal)*) => { $(
                s = round(s, w[$i].add(Lanes::splat(k[$i])));
                // The word 16 rounds on.
                w[$i] = w[$i]
                    .add(small_sigma0(w[($i + 1) % 16]))
                    .add(w[($i + 9) % 16].add(small_sigma1(w[($i + 14) % 16])));
            )* };
        }
        for_16!(round_and_schedule);
    }
    macro_rules! only_round {
        ($($i:literal)*) => { $( s = round(s, w[$i].add(Lanes::splat(last[$i]))); )* };
    }
    for_16!(only_round);
    for (state, s) in state.iter_mut().zip(s) {
        *state = state.add(s);
    }
}

#[expect(clippy::many_single_char_names, reason = "the standard's names")]
fn round([a, b, c, d, e, f, g, h]: [Lanes; 8], word: Lanes) -> [Lanes; 8] {
    let choice = g ^ (e & (f ^ g));
    // The next round has the first sum of this one as its second.
    let majority = b ^ ((a ^ b) & (b ^ c));
    let t1 = h.add(word).add(choice).add(big_sigma1(e));
    let t2 = big_sigma0(a).add(majority);
    [t1.add(t2), a, b, c, d.add(t1), e, f, g]
}

fn big_sigma0(x: Lanes) -> Lanes {
    x.rotate_right(2) ^ x.rotate_right(13) ^ x.rotate_right(22)
}

fn big_sigma1(x: Lanes) -> Lanes {
    x.rotate_right(6) ^ x.rotate_right(11) ^ x.rotate_right(25)
}

fn small_sigma0(x: Lanes) -> Lanes {
    x.rotate_right(7) ^ x.rotate_right(18) ^ x.shift_right(3)
}

fn small_sigma1(x: Lanes) -> Lanes {
    x.rotate_right(17) ^ x.rotate_right(19) ^ x.shift_right(10)
}
