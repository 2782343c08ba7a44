//! The entry of a table at a secret index: reads all of them.

use subtle::Choice;
use zeroize::Zeroizing;

use super::Limbs;
use super::columns::for_each_column;
use super::word::Word;

/// `selected = elements[index]`. `E` is a power of two, and `index` below it.
pub(super) fn select<W: Word, const T: usize, const N: usize, const E: usize>(
    selected: &mut Limbs<W, T, N>,
    elements: &[Limbs<W, T, N>; E],
    index: u8,
) {
    const { assert!(E.is_power_of_two()) }
    let mut masks = Zeroizing::new([!W::default(); E]);
    for bit in 0..E.ilog2() {
        // No compiler knows that this is all or nothing, and branches on it.
        let set = W::mask(Choice::from(index >> bit & 1));
        for (at, mask) in masks.iter_mut().enumerate() {
            *mask = *mask & if at >> bit & 1 == 1 { set } else { !set };
        }
    }
    for (tile, selected) in selected.iter_mut().enumerate() {
        let mut sum = [W::default(); T];
        for (element, mask) in elements.iter().zip(*masks) {
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
