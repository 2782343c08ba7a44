//! The entry of a table at a secret index: reads all of them.

use subtle::ConstantTimeEq;

use super::Limbs;
use super::columns::for_each_column;
use super::word::Word;

/// `selected = elements[index]`; zero if there is none.
pub(super) fn select<W: Word, const T: usize, const N: usize, const E: usize>(
    selected: &mut Limbs<W, T, N>,
    elements: &[Limbs<W, T, N>; E],
    index: u8,
) {
    let mut masks = [W::default(); E];
    for (at, mask) in (0..).zip(&mut masks) {
        *mask = W::mask(index.ct_eq(&at));
    }
    for (tile, selected) in selected.iter_mut().enumerate() {
        let mut sum = [W::default(); T];
        for (element, mask) in elements.iter().zip(masks) {
            let limbs = &element[tile];
            for_each_column!(T, COLUMN, {
                if COLUMN < T {
                    sum[COLUMN] = sum[COLUMN] | (limbs[COLUMN] & mask);
                }
            });
        }
        *selected = sum;
    }
}
