//! What all products have in common: product scanning (Comba, IBM Systems
//! Journal 29, 1990), unrolled. Column k of a product is the sum of `a[j] *
//! b[k - j]`; of two numbers of `T` limbs there are 2 T - 1.
//!
//! Unrolled, nothing stands between two multiplications: no branch, no bounds
//! check, no address. That takes some care with the compilers on the way.

use super::word::Word;

/// The largest `T` there are enough numbers for, below.
pub(super) const LARGEST: usize = 34;

/// The body once for each column of a product of `T` limbs, with a constant
/// column number.
macro_rules! for_each_column {
    ($limbs:ident, $column:ident, $body:block) => {
        for_each_column!(@ $limbs, $column, $body,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60
            61 62 63 64 65 66)
    };
    (@ $limbs:ident, $column:ident, $body:block, $($number:literal)*) => {
        const { assert!(1 < $limbs && $limbs <= $crate::dh::modp::field::columns::LARGEST) }
        $({
            const $column: usize = $number;
            if $column < 2 * $limbs - 1 $body
        })*
    };
}
pub(super) use for_each_column;

/// The first index of a column's limbs, and the one past the last.
pub(super) fn range(column: usize, limbs: usize) -> (usize, usize) {
    ((column + 1).saturating_sub(limbs), limbs.min(column + 1))
}

/// The same without index `column`, whose limb of the quotient is not known.
pub(super) fn known(column: usize, limbs: usize) -> (usize, usize) {
    ((column + 1).saturating_sub(limbs), limbs.min(column))
}

/// `sum`, less `a[j] * b[column - j]` for j from `start` to before `end`.
///
/// Subtraction, as its operands keep their order. Of additions LLVM turns some
/// to product + sum, for which Cranelift computes first all products of a
/// column, on the stack, and then their sum, in twice the time.
#[inline(always)]
pub(super) fn convolve<W: Word, const T: usize>(
    mut sum: W::Wide,
    a: &[W; T],
    b: &[W; T],
    column: usize,
    start: usize,
    end: usize,
) -> W::Wide {
    // Two loops, as LLVM does not unroll one that is so long.
    let middle = start.midpoint(end);
    for j in start..middle {
        sum = W::minus(sum, a[j].times(b[column - j]));
    }
    for j in middle..end {
        sum = W::minus(sum, a[j].times(b[column - j]));
    }
    sum
}

/// The limbs in locals: each is loaded, and its address checked, once. LLVM
/// sees through a copy that is not unrolled.
#[inline(always)]
pub(super) fn copy<W: Word, const T: usize>(limbs: &[W; T]) -> [W; T] {
    let mut copy = [W::default(); T];
    for_each_column!(T, COLUMN, {
        if COLUMN < T {
            copy[COLUMN] = limbs[COLUMN];
        }
    });
    copy
}
