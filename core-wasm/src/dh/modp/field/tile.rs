//! Montgomery multiplication of numbers that have too many limbs to be
//! unrolled whole: tiles of `T` limbs are multiplied, and added to columns
//! that are not carried yet.

use super::columns::{convolve, copy, for_each_column, known, range};
use super::word::Word;

/// `columns = a * b`, and zero in the column above.
#[inline(never)]
pub(super) fn multiply<W: Word, const T: usize>(columns: &mut [W::Wide], a: &[W; T], b: &[W; T]) {
    let columns = &mut columns[..2 * T];
    let (a, b) = (&copy(a), &copy(b));
    for_each_column!(T, COLUMN, {
        let (start, end) = range(COLUMN, T);
        let sum = convolve(W::Wide::default(), a, b, COLUMN, start, end);
        columns[COLUMN] = W::minus(W::Wide::default(), sum);
    });
    columns[2 * T - 1] = W::Wide::default();
}

/// `columns = a * a`, and zero in the column above: products of different
/// limbs once, and doubled.
#[inline(never)]
pub(super) fn square<W: Word, const T: usize>(columns: &mut [W::Wide], a: &[W; T]) {
    let columns = &mut columns[..2 * T];
    let a = &copy(a);
    for_each_column!(T, COLUMN, {
        let (start, _) = range(COLUMN, T);
        let half = COLUMN.div_ceil(2);
        let sum = convolve(W::Wide::default(), a, a, COLUMN, start, half);
        let mut sum = W::minus(W::minus(W::Wide::default(), sum), sum);
        if COLUMN.is_multiple_of(2) {
            sum = sum + a[half].times(a[half]);
        }
        columns[COLUMN] = sum;
    });
    columns[2 * T - 1] = W::Wide::default();
}

/// `columns += 2^shift * a * b`.
#[inline(never)]
pub(super) fn multiply_add<W: Word, const T: usize>(
    columns: &mut [W::Wide],
    a: &[W; T],
    b: &[W; T],
    shift: u32,
) {
    let columns = &mut columns[..2 * T];
    let (mut a, b) = (copy(a), &copy(b));
    for_each_column!(T, COLUMN, {
        if COLUMN < T {
            a[COLUMN] = a[COLUMN] << shift;
        }
    });
    for_each_column!(T, COLUMN, {
        let (start, end) = range(COLUMN, T);
        let sum = convolve(W::Wide::default(), &a, b, COLUMN, start, end);
        columns[COLUMN] = W::minus(columns[COLUMN], sum);
    });
}

/// Makes the lowest `T` columns vanish: finds the `quotient` for which
/// `columns + quotient * p` is a multiple of 2^(BITS T), as in
/// [`super::whole`], and adds `quotient * prime`, where `prime` is p's lowest
/// tile. What is carried out of the vanished columns is in the next one.
#[inline(never)]
pub(super) fn reduce<W: Word, const T: usize>(
    columns: &mut [W::Wide],
    quotient: &mut [W; T],
    prime: &[W; T],
) {
    let columns = &mut columns[..2 * T];
    let prime = &copy(prime);
    let result = quotient;
    let mut quotient = [W::default(); T];
    let mut carry = W::Wide::default();
    for_each_column!(T, COLUMN, {
        let (start, end) = known(COLUMN, T);
        let sum = convolve(W::Wide::default(), &quotient, prime, COLUMN, start, end);
        let sum = W::minus(columns[COLUMN], sum);
        if COLUMN < T {
            let (limb, above) = W::split(carry + sum);
            quotient[COLUMN] = limb;
            carry = above + limb.widen();
        } else {
            columns[COLUMN] = sum;
        }
    });
    columns[T] = columns[T] + carry;
    *result = quotient;
}

/// The limbs of columns, and what is carried out of them.
pub(super) fn carry<W: Word, const T: usize>(
    limbs: &mut [W; T],
    columns: &[W::Wide; T],
    mut carry: W::Wide,
) -> W::Wide {
    for (limb, column) in limbs.iter_mut().zip(columns) {
        (*limb, carry) = W::split(carry + *column);
    }
    carry
}
