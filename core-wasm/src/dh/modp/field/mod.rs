//! Arithmetic modulo the prime, made for this prime and for wasm: Montgomery's
//! multiplication (Mathematics of Computation 44, 1985) on limbs with room to
//! spare.
//!
//! A number is `N` tiles of `T` limbs of B bits ([`Word::BITS`]), the lowest
//! first. R is 2^(B T N). Elements are residues times R, below 2 p but not
//! always below p. Nothing branches on a limb, or is indexed by one.
//!
//! # Bounds
//!
//! With R >= 2^2072, p < 2^2048 and elements a, b < 2 p:
//!
//! - Multiplication gives (a b + q p) / R with q < R. That is below
//!   4 p p / R + p < 2 p: an element, without a subtraction (Walter 1999).
//! - An element a is taken out by multiplying it by 1. (a + q p) / R is below
//!   p + 1, so at most p, which stands for 0.
//! - A column of a b + q p is the sum of at most T N products of two limbs, of
//!   at most T N products with p's limbs, and of a carry. For 34 limbs of 61
//!   bits, the former are below 34 * 2^122 and the latter, by the sum of p's
//!   limbs, below 18 * 2^122; carries are below 2^68. In all that is below
//!   2^128. For 75 limbs of 28 bits, 150 * 2^56 and a carry are below 2^64.

#![allow(clippy::inline_always, reason = "unrolled code must see constants")]

mod columns;
mod select;
#[cfg(test)]
mod tests;
mod tile;
mod whole;
pub(super) mod word;

use crypto_bigint::U2048;
use zeroize::Zeroize;

use super::group::Group;
use word::Word;

/// The limbs of a number: `N` tiles of `T`.
pub(super) type Limbs<W, const T: usize, const N: usize> = [[W; T]; N];

/// A residue that is multiplied and squared, with the space this takes. Wiped
/// when dropped.
pub(super) struct Accumulator<W: Word, const T: usize, const N: usize> {
    element: Limbs<W, T, N>,
    operand: Limbs<W, T, N>,
    /// One tile of it.
    quotient: [W; T],
    /// The 2 N tiles of a product.
    columns: [[[W::Wide; T]; 2]; N],
}

impl<W: Group<T, N>, const T: usize, const N: usize> Accumulator<W, T, N> {
    /// A residue given as it is, below p.
    pub(super) fn new(residue: &U2048) -> Self {
        let mut this = Self::of(&W::R_SQUARED);
        this.operand = W::limbs(residue);
        this.multiply_operand();
        this
    }

    /// The element at a secret index: reads all of them.
    pub(super) fn select<const E: usize>(elements: &[Limbs<W, T, N>; E], index: u8) -> Self {
        let mut this = Self::of(&[[W::default(); T]; N]);
        select::select(&mut this.element, elements, index);
        this
    }

    fn of(element: &Limbs<W, T, N>) -> Self {
        Self {
            element: *element,
            operand: [[W::default(); T]; N],
            quotient: [W::default(); T],
            columns: [[[W::Wide::default(); T]; 2]; N],
        }
    }

    pub(super) fn element(&self) -> &Limbs<W, T, N> {
        &self.element
    }

    pub(super) fn set(&mut self, element: &Limbs<W, T, N>) {
        self.element = *element;
    }

    pub(super) fn multiply(&mut self, by: &Limbs<W, T, N>) {
        self.operand = *by;
        self.multiply_operand();
    }

    /// Multiplies by the element at a secret index: reads all of them.
    pub(super) fn multiply_selected<const E: usize>(
        &mut self,
        elements: &[Limbs<W, T, N>; E],
        index: u8,
    ) {
        select::select(&mut self.operand, elements, index);
        self.multiply_operand();
    }

    fn multiply_operand(&mut self) {
        if let ([a], [b], [prime]) = (&mut self.element[..], &self.operand[..], &W::PRIME[..]) {
            return whole::multiply(a, b, prime);
        }
        let columns = self.columns.as_flattened_mut().as_flattened_mut();
        // Products of tiles with the same number share no column.
        for (i, (a, b)) in self.element.iter().zip(&self.operand).enumerate() {
            tile::multiply(&mut columns[2 * i * T..], a, b);
        }
        for (i, a) in self.element.iter().enumerate() {
            for (j, b) in self.operand.iter().enumerate().filter(|(j, _)| *j != i) {
                tile::multiply_add(&mut columns[(i + j) * T..], a, b, 0);
            }
        }
        self.reduce();
    }

    pub(super) fn square(&mut self) {
        if let ([a], [prime]) = (&mut self.element[..], &W::PRIME[..]) {
            return whole::square(a, prime);
        }
        let columns = self.columns.as_flattened_mut().as_flattened_mut();
        for (i, a) in self.element.iter().enumerate() {
            tile::square(&mut columns[2 * i * T..], a);
        }
        for (i, a) in self.element.iter().enumerate() {
            for (j, b) in self.element.iter().enumerate().skip(i + 1) {
                tile::multiply_add(&mut columns[(i + j) * T..], a, b, 1);
            }
        }
        self.reduce();
    }

    /// The element is the columns divided by R.
    fn reduce(&mut self) {
        let columns = self.columns.as_flattened_mut();
        for i in 0..N {
            let columns = columns[i..].as_flattened_mut();
            tile::reduce(columns, &mut self.quotient, &W::PRIME[0]);
            for (j, prime) in W::PRIME.iter().enumerate().skip(1) {
                tile::multiply_add(&mut columns[j * T..], &self.quotient, prime, 0);
            }
        }
        let mut carry = W::Wide::default();
        for (limbs, columns) in self.element.iter_mut().zip(&columns[N..]) {
            carry = tile::carry(limbs, columns, carry);
        }
    }

    /// The residue as it is, below p.
    pub(super) fn into_residue(mut self) -> U2048 {
        self.operand = [[W::default(); T]; N];
        self.operand[0][0] = W::ONE;
        self.multiply_operand();
        W::number(&self.element)
    }
}

impl<W: Word, const T: usize, const N: usize> Drop for Accumulator<W, T, N> {
    fn drop(&mut self) {
        self.element.zeroize();
        self.operand.zeroize();
        self.quotient.zeroize();
        self.columns.zeroize();
    }
}
