//! Powers of the generator from a table: a comb (Lim and Lee, CRYPTO 1994), several
//! times cheaper than an exponentiation of an arbitrary base.
//!
//! The bits of the exponent are arranged in `ROWS` rows; column c has the bits c, c +
//! `COLUMNS`, c + 2 `COLUMNS` and so on, which choose one of 2^`ROWS` products. The
//! columns are split into `BLOCKS` blocks with one table each, so that `BLOCK_COLUMNS`
//! - 1 squarings and `COLUMNS` multiplications suffice.

use crypto_bigint::U2048;

use super::field::{Accumulator, Limbs};
use super::group::{Group, Residue};
use super::{EXPONENT_BITS, EXPONENT_LEN};

pub(super) const ROWS: usize = 4;
pub(super) const BLOCKS: usize = 5;
const BLOCK_COLUMNS: usize = EXPONENT_BITS.div_ceil(ROWS * BLOCKS);
const COLUMNS: usize = BLOCKS * BLOCK_COLUMNS;

/// For each block, the product for every choice of bits in a column.
pub(super) type Comb<W, const T: usize, const N: usize> = [[Limbs<W, T, N>; 1 << ROWS]; BLOCKS];

/// The generator to 2^258 + x. Constant time in x, which is big-endian.
pub(super) fn power<W: Group<T, N>, const T: usize, const N: usize>(
    x: &[u8; EXPONENT_LEN],
) -> U2048 {
    let [first, blocks @ ..] = W::comb();
    // The first factor needs no multiplication.
    let mut power = Accumulator::select(first, column(x, BLOCK_COLUMNS - 1));
    for step in (0..BLOCK_COLUMNS).rev() {
        if step != BLOCK_COLUMNS - 1 {
            power.square();
            power.multiply_selected(first, column(x, step));
        }
        for (block, products) in (1..).zip(blocks) {
            power.multiply_selected(products, column(x, block * BLOCK_COLUMNS + step));
        }
    }
    power.into_residue()
}

/// The bits of 2^258 + x in a column.
fn column(x: &[u8; EXPONENT_LEN], column: usize) -> u8 {
    (0..ROWS).fold(0, |bits, row| {
        let at = row * COLUMNS + column;
        let bit = match x.iter().rev().nth(at / 8) {
            Some(byte) => byte >> (at % 8) & 1,
            None => u8::from(at == EXPONENT_BITS - 1),
        };
        bits | bit << row
    })
}

/// Entry b of block k is the product of generator^(2^(`COLUMNS` i +
/// `BLOCK_COLUMNS` k)) over the bits i of b. Computed by the compiler.
pub(super) static PRODUCTS: [[Residue; 1 << ROWS]; BLOCKS] = {
    let mut products = [[Residue::ONE; 1 << ROWS]; BLOCKS];
    let mut power = Residue::new(&U2048::from_u8(2));
    let mut exponent = 0;
    while exponent < ROWS * COLUMNS {
        if exponent % BLOCK_COLUMNS == 0 {
            let row = exponent / COLUMNS;
            let block = exponent % COLUMNS / BLOCK_COLUMNS;
            // Entries without this row's bit are complete, because rows are processed
            // in order.
            let mut index = 0;
            while index < 1 << row {
                products[block][index + (1 << row)] = products[block][index].mul(&power);
                index += 1;
            }
        }
        power = power.square();
        exponent += 1;
    }
    products
};

#[cfg(test)]
mod tests {
    use crypto_bigint::{U256, U320, U512};

    use super::*;

    /// By the method that knows nothing of its base.
    fn check(x: &U256) {
        let exponent = x.resize::<{ U320::LIMBS }>() | U320::ONE.shl_vartime(258);
        let expected = Residue::new(&U2048::from_u8(2)).pow_bounded_exp(&exponent, 259).retrieve();
        let x = x.to_be_bytes().into();
        assert_eq!(power::<u64, _, _>(&x), expected);
        assert_eq!(power::<u32, _, _>(&x), expected);
    }

    #[test]
    fn every_bit_counts() {
        for bit in 0..256 {
            check(&(U256::ONE << bit));
        }
    }

    #[test]
    fn any_exponent() {
        let mut x = U256::from_u8(3);
        for _ in 0..100 {
            check(&x);
            let square: U512 = x.concatenating_mul(&x.wrapping_add(&U256::ONE));
            x = square.split().0.bitxor(&square.split().1).wrapping_add(&U256::from_u8(5));
        }
        check(&U256::ZERO);
        check(&U256::MAX);
    }
}
