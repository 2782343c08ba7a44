//! Powers of any base, by a fixed window of 4 bits: as cheap as one of 5 for
//! this length, with half the table.

use crypto_bigint::U2048;
use zeroize::Zeroize;

use super::EXPONENT_LEN;
use super::field::{Accumulator, Limbs};
use super::group::Group;

const WINDOW: usize = 4;

/// `base` to 2^258 + x. Constant time in both (protocol.md K-3); x is
/// big-endian.
///
/// Not inlined: its frame, with the table, is below those that stay.
#[inline(never)]
pub(super) fn power<W: Group<T, N>, const T: usize, const N: usize>(
    base: &U2048,
    x: &[u8; EXPONENT_LEN],
) -> U2048 {
    let mut power = Accumulator::new(base);
    let mut powers = Powers([W::ELEMENT_ONE; 1 << WINDOW]);
    powers.fill(&mut power);
    // 2^258 is 2^2 in the window above x.
    power.set(&powers.0[1 << 2]);
    for byte in x {
        for index in [byte >> WINDOW, byte % (1 << WINDOW)] {
            for _ in 0..WINDOW {
                power.square();
            }
            power.multiply_selected(&powers.0, index);
        }
    }
    power.into_residue()
}

/// The base to 0, 1, 2, ..., wiped when dropped.
struct Powers<W: Group<T, N>, const T: usize, const N: usize>([Limbs<W, T, N>; 1 << WINDOW]);

impl<W: Group<T, N>, const T: usize, const N: usize> Powers<W, T, N> {
    /// In its place: to move it would leave a copy. `power` is the base, and
    /// something else afterwards.
    fn fill(&mut self, power: &mut Accumulator<W, T, N>) {
        let Self(powers) = self;
        powers[1] = *power.element();
        for index in 1..1 << (WINDOW - 1) {
            power.set(&powers[index]);
            power.square();
            powers[2 * index] = *power.element();
            power.multiply(&powers[1]);
            powers[2 * index + 1] = *power.element();
        }
    }
}

impl<W: Group<T, N>, const T: usize, const N: usize> Drop for Powers<W, T, N> {
    fn drop(&mut self) {
        self.0.as_flattened_mut().as_flattened_mut().iter_mut().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use crypto_bigint::U320;
    use proptest::prelude::*;

    use super::*;
    use crate::dh::modp::group::{PRIME, Residue};

    fn check(base: &U2048, x: &[u8; EXPONENT_LEN]) {
        let mut exponent = [0; 40];
        exponent[7] = 1 << 2;
        exponent[8..].copy_from_slice(x);
        let exponent = U320::from_be_slice(&exponent);
        let expected = Residue::new(base).pow_bounded_exp(&exponent, 259).retrieve();
        assert_eq!(power::<u64, _, _>(base, x), expected);
        assert_eq!(power::<u32, _, _>(base, x), expected);
    }

    #[test]
    fn edges() {
        let less = |by| PRIME.wrapping_sub(&U2048::from_u8(by));
        for base in [U2048::ZERO, U2048::ONE, U2048::from_u8(2), less(2), less(1)] {
            for x in [0, 1, 0x0f, 0xf0, 0xff] {
                check(&base, &[x; EXPONENT_LEN]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_base(bytes: [[u8; 32]; 8], x: [u8; EXPONENT_LEN]) {
            let base = U2048::from_be_slice(bytes.as_flattened());
            prop_assume!(base < *PRIME);
            check(&base, &x);
        }
    }
}
