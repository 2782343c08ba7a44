//! Powers of the generator from a table: a comb (Lim and Lee, CRYPTO 1994),
//! four times cheaper than an exponentiation that knows nothing of its base.
//!
//! The bits of x stand in four rows of 64; column c holds bits c, c + 64,
//! c + 128 and c + 192, and its four bits choose one of 16 products. The
//! columns are split into four blocks with a table each, so that 15 squarings
//! and 64 multiplications are enough.

use crypto_bigint::U256;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{EXPONENT_BITS, Element, U2048};

const ROWS: usize = 4;
const COLUMNS: usize = 64;
const BLOCKS: usize = 4;
const BLOCK_COLUMNS: usize = COLUMNS / BLOCKS;

/// The generator to 2^258 + x. Constant time in x.
pub(super) fn power(x: &U256) -> Element {
    let x = Zeroizing::new(x.to_le_bytes().into());
    let mut power = Element::ONE;
    for step in (0..BLOCK_COLUMNS).rev() {
        power = power.square();
        for (block, products) in TABLES.products.iter().enumerate() {
            power *= select(products, column(&x, block * BLOCK_COLUMNS + step));
        }
    }
    power * TABLES.high
}

/// The four bits of x, little-endian, in a column.
fn column(x: &[u8; 32], column: usize) -> u8 {
    (0..ROWS).fold(0, |bits, row| {
        let at = row * COLUMNS + column;
        bits | (x[at / 8] >> (at % 8) & 1) << row
    })
}

/// The entry at a secret index: reads all of them.
fn select(products: &[Element; 1 << ROWS], index: u8) -> Element {
    let mut selected = products[0];
    for (at, product) in (1..).zip(&products[1..]) {
        selected.conditional_assign(product, index.ct_eq(&at));
    }
    selected
}

/// What depends on the generator only.
struct Tables {
    /// For each block, the product for every choice of bits in a column:
    /// entry b of block k is the product of generator^(2^(64 i + 16 k)) over
    /// the bits i of b.
    products: [[Element; 1 << ROWS]; BLOCKS],
    /// The generator to 2^258.
    high: Element,
}

/// Computed by the compiler.
static TABLES: Tables = Tables::new();

impl Tables {
    #[allow(long_running_const_eval, reason = "some 300 multiplications of 2048 bits")]
    const fn new() -> Self {
        let mut products = [[Element::ONE; 1 << ROWS]; BLOCKS];
        let mut power = Element::new(&U2048::from_u8(2));
        let mut exponent = 0;
        while exponent < ROWS * COLUMNS {
            if exponent.is_multiple_of(BLOCK_COLUMNS) {
                let row = exponent / COLUMNS;
                let block = exponent % COLUMNS / BLOCK_COLUMNS;
                // Entries without this row's bit are complete: rows come in order.
                let mut index = 0;
                while index < 1 << row {
                    products[block][index + (1 << row)] = products[block][index].mul(&power);
                    index += 1;
                }
            }
            power = power.square();
            exponent += 1;
        }
        let high = power.square_repeat_vartime(EXPONENT_BITS - 1 - 256);
        Self { products, high }
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::{U320, U512};

    use super::*;

    /// By the method that knows nothing of its base.
    fn expected(x: &U256) -> Element {
        let exponent = x.resize::<{ U320::LIMBS }>() | (U320::ONE << (EXPONENT_BITS - 1));
        Element::new(&U2048::from_u8(2)).pow_bounded_exp(&exponent, EXPONENT_BITS)
    }

    #[test]
    fn every_bit_counts() {
        for bit in 0..256 {
            let x = U256::ONE << bit;
            assert_eq!(power(&x), expected(&x), "{bit}");
        }
    }

    #[test]
    fn any_exponent() {
        let mut x = U256::from_u8(3);
        for _ in 0..200 {
            assert_eq!(power(&x), expected(&x), "{x}");
            let square: U512 = x.concatenating_mul(&x.wrapping_add(&U256::ONE));
            x = square.split().0.bitxor(&square.split().1).wrapping_add(&U256::from_u8(5));
        }
        for x in [U256::ZERO, U256::MAX] {
            assert_eq!(power(&x), expected(&x), "{x}");
        }
    }
}
