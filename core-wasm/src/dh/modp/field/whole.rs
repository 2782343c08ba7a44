//! Montgomery multiplication unrolled whole, for few limbs: products and
//! reduction of one column at a time, in registers (finely integrated product
//! scanning: Koç, Acar and Kaliski, IEEE Micro 16, 1996).
//!
//! Montgomery's factor -1/p is 1 modulo 2^BITS, as p's lowest limb has all
//! bits set: a quotient's limb is its column, carried. Adding that limb times
//! 2^BITS - 1 to the column and shifting it away carries what was above, plus
//! the limb.

use super::columns::{convolve, copy, for_each_column, known, range};
use super::word::Word;

/// `a = a * b / R` modulo p.
#[inline(never)]
pub(super) fn multiply<W: Word, const T: usize>(a: &mut [W; T], b: &[W; T], prime: &[W; T]) {
    let result = a;
    let (a, b, prime) = (&copy(result), &copy(b), &copy(prime));
    let mut quotient = [W::default(); T];
    let mut carry = W::Wide::default();
    for_each_column!(T, COLUMN, {
        let (start, end) = range(COLUMN, T);
        let sum = convolve(W::Wide::default(), a, b, COLUMN, start, end);
        let (start, end) = known(COLUMN, T);
        let sum = convolve(sum, &quotient, prime, COLUMN, start, end);
        carry = finish(result, &mut quotient, COLUMN, W::minus(carry, sum));
    });
    result[T - 1] = W::split(carry).0;
}

/// `a = a * a / R` modulo p: products of different limbs once, and doubled.
#[inline(never)]
pub(super) fn square<W: Word, const T: usize>(a: &mut [W; T], prime: &[W; T]) {
    let result = a;
    let (a, prime) = (&copy(result), &copy(prime));
    let mut twice = copy(result);
    for_each_column!(T, COLUMN, {
        if COLUMN < T {
            twice[COLUMN] = twice[COLUMN] << 1;
        }
    });
    let mut quotient = [W::default(); T];
    let mut carry = W::Wide::default();
    for_each_column!(T, COLUMN, {
        let (start, _) = range(COLUMN, T);
        let half = COLUMN.div_ceil(2);
        let mut sum = convolve(W::Wide::default(), a, &twice, COLUMN, start, half);
        if COLUMN.is_multiple_of(2) {
            sum = W::minus(sum, a[half].times(a[half]));
        }
        let (start, end) = known(COLUMN, T);
        let sum = convolve(sum, &quotient, prime, COLUMN, start, end);
        carry = finish(result, &mut quotient, COLUMN, W::minus(carry, sum));
    });
    result[T - 1] = W::split(carry).0;
}

/// Takes the limb out of a column. Returns the carry.
#[inline(always)]
fn finish<W: Word, const T: usize>(
    result: &mut [W; T],
    quotient: &mut [W; T],
    column: usize,
    sum: W::Wide,
) -> W::Wide {
    let (limb, above) = W::split(sum);
    if column < T {
        quotient[column] = limb;
        above + limb.widen()
    } else {
        result[column - T] = limb;
        above
    }
}
