//! Against `crypto-bigint`, with both word sizes.

use alloc::vec;
use alloc::vec::Vec;

use crypto_bigint::{NonZero, U4096};
use proptest::prelude::*;

use super::*;
use crate::dh::modp::group::{PRIME, Residue};

/// The factors below 2 p as they are: 2 p has a bit more than a `U2048`.
type Factor = U4096;

fn prime() -> Factor {
    PRIME.resize()
}

fn residue(number: &Factor) -> Residue {
    let modulus = NonZero::new(prime()).expect("not zero");
    Residue::new(&number.rem_vartime(&modulus).resize())
}

fn limbs<W: Group<T, N>, const T: usize, const N: usize>(number: &Factor) -> Limbs<W, T, N> {
    let mut limbs = [[W::default(); T]; N];
    for (at, limb) in (0..).zip(limbs.as_flattened_mut()) {
        let shifted: U2048 = number.shr_vartime(at * W::BITS).resize();
        *limb = W::limbs(&shifted)[0][0];
    }
    limbs
}

fn number<W: Group<T, N>, const T: usize, const N: usize>(limbs: &Limbs<W, T, N>) -> Factor {
    limbs.as_flattened().iter().rev().fold(Factor::ZERO, |number, limb| {
        let mut low = [[W::default(); T]; N];
        low[0][0] = *limb;
        number.shl_vartime(W::BITS) | W::number(&low).resize()
    })
}

fn r<W: Group<T, N>, const T: usize, const N: usize>() -> Residue {
    Residue::new(&W::number(&W::ELEMENT_ONE))
}

/// a b / R and a a / R, both as elements.
fn check<W: Group<T, N>, const T: usize, const N: usize>(a: &Factor, b: &Factor) {
    let r = r::<W, T, N>();
    let (operand, twice_prime) = (limbs(b), prime().shl_vartime(1));
    let mut product = Accumulator::<W, T, N>::of(&limbs(a));
    product.multiply(&operand);
    let product = number(product.element());
    assert!(product < twice_prime);
    assert_eq!(residue(&product) * r, residue(a) * residue(b));

    let mut square = Accumulator::<W, T, N>::of(&limbs(a));
    square.square();
    let square = number(square.element());
    assert!(square < twice_prime);
    assert_eq!(residue(&square) * r, residue(a).square());
}

fn check_both(a: &Factor, b: &Factor) {
    check::<u64, 34, 1>(a, b);
    check::<u32, 25, 3>(a, b);
}

/// What an element may be at most, and numbers whose limbs are.
fn edges() -> Vec<Factor> {
    let ones = |bits| Factor::ONE.shl_vartime(bits).wrapping_sub(&Factor::ONE);
    let twice = prime().shl_vartime(1);
    let below = |number: &Factor, by: u8| number.wrapping_sub(&Factor::from_u8(by));
    let mut edges = vec![Factor::ZERO, Factor::ONE, Factor::from_u8(2), below(&twice, 1)];
    edges.extend([below(&prime(), 2), below(&prime(), 1), prime(), below(&twice, 2)]);
    edges.extend([
        ones(61),
        ones(61 * 17),
        ones(61 * 33),
        ones(28 * 25),
        ones(28 * 73),
        ones(2048),
    ]);
    edges.push(ones(2048).wrapping_add(&ones(2013)));
    edges.push(prime().wrapping_add(&Factor::ONE));
    edges
}

#[test]
fn edges_multiply() {
    for a in edges() {
        for b in edges() {
            check_both(&a, &b);
        }
    }
}

#[test]
fn edges_are_taken_out() {
    for edge in edges() {
        let expected = residue(&edge).retrieve();
        if edge < prime() {
            let edge = edge.resize();
            assert_eq!(Accumulator::<u64, 34, 1>::new(&edge).into_residue(), expected);
            assert_eq!(Accumulator::<u32, 25, 3>::new(&edge).into_residue(), expected);
        }
        // What is not reduced stands for the same.
        let over = |r: Residue| (residue(&edge) * r.invert().expect("not zero")).retrieve();
        let out = Accumulator::<u64, 34, 1>::of(&limbs(&edge)).into_residue();
        assert_eq!(out, over(r::<u64, 34, 1>()));
        let out = Accumulator::<u32, 25, 3>::of(&limbs(&edge)).into_residue();
        assert_eq!(out, over(r::<u32, 25, 3>()));
    }
}

/// The bound on a column of q p.
#[test]
fn columns_have_room() {
    let sum: u128 = <u64 as Group<34, 1>>::PRIME[0].iter().map(|limb| u128::from(*limb)).sum();
    assert!(sum < 18 << 61);
    let column = (34 + 18) * (1_u128 << 61).pow(2);
    assert!(column.checked_add(1 << 68).is_some());
    let column: u64 = 150 << 56;
    assert!(column.checked_add(1 << 40).is_some());
}

#[test]
fn selection_finds_every_entry() {
    let table: [Limbs<u64, 34, 1>; 16] =
        core::array::from_fn(|at| limbs(&Factor::from_u8(u8::try_from(at).expect("small"))));
    for index in 0..16 {
        let selected = Accumulator::select(&table, index);
        assert_eq!(number(selected.element()), Factor::from_u8(index));
    }
}

prop_compose! {
    /// Any element: below 2 p.
    fn any_element()(bytes in any::<[[u8; 32]; 8]>(), more: bool) -> Factor {
        let low = U2048::from_be_slice(bytes.as_flattened());
        let number: Factor = if low < *PRIME { low.resize() } else { prime() };
        if more { number.wrapping_add(&prime()) } else { number }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn elements_multiply(a in any_element(), b in any_element()) {
        prop_assume!(a < prime().shl_vartime(1) && b < prime().shl_vartime(1));
        check_both(&a, &b);
    }
}
