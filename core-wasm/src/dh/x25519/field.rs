//! The field modulo 2^255 - 19: five limbs of 51 bits in 64-bit words, whose
//! products have 128 bits, as in Bernstein, Duif, Lange, Schwabe and Yang,
//! "High-speed high-security signatures" (CHES 2011).
//!
//! A limb may be longer than its 51 bits. Products and squares have limbs of at
//! most 51.1 bits; sums and differences of two of those have less than 53; and
//! products of those are less than 2^112 in each column. So nothing is carried
//! but after a multiplication.

/// A number modulo 2^255 - 19.
#[derive(Clone, Copy)]
pub(super) struct Element([u64; 5]);

const BITS: u32 = 51;
const LIMB: u64 = (1 << BITS) - 1;
/// 2^255 is this.
const FOLD: u64 = 19;

impl Element {
    pub(super) const ZERO: Self = Self([0; 5]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// Of little-endian bytes, but for the highest bit.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let [a, b, c, d] = core::array::from_fn(|index| {
            let word = bytes.as_chunks::<8>().0.get(index);
            u64::from_le_bytes(word.copied().unwrap_or_default())
        });
        Self(
            [a, a >> 51 | b << 13, b >> 38 | c << 26, c >> 25 | d << 39, d >> 12].map(|x| x & LIMB),
        )
    }

    /// The least number it stands for, little-endian.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        // Below 2^255 + 2^13, then without what is left: below 2^255.
        let Self(mut limbs) = self.carried().carried();
        // Whether it is the prime or more, which 19 more make 2^255.
        let carry = |carry, limb| (limb + carry) >> BITS;
        let is_more = limbs.iter().fold(FOLD, carry);
        let mut carry = FOLD * is_more;
        for limb in &mut limbs {
            *limb += carry;
            carry = *limb >> BITS;
            *limb &= LIMB;
        }
        let [a0, a1, a2, a3, a4] = limbs;
        let words = [a0 | a1 << 51, a1 >> 13 | a2 << 38, a2 >> 26 | a3 << 25, a3 >> 39 | a4 << 12];
        let mut bytes = [0; 32];
        for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    fn carried(self) -> Self {
        let Self(mut limbs) = self;
        let mut carry = 0;
        for limb in &mut limbs {
            *limb += carry;
            carry = *limb >> BITS;
            *limb &= LIMB;
        }
        limbs[0] += FOLD * carry;
        Self(limbs)
    }

    #[inline(always)]
    pub(super) fn plus(&self, other: &Self) -> Self {
        let (Self(a), Self(b)) = (self, other);
        Self([a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]])
    }

    #[inline(always)]
    pub(super) fn minus(&self, other: &Self) -> Self {
        // Twice the prime, so that no limb is negative.
        const LOWEST: u64 = 2 * (LIMB - (FOLD - 1));
        const OTHERS: u64 = 2 * LIMB;
        let (Self(a), Self(b)) = (self, other);
        Self([
            a[0] + LOWEST - b[0],
            a[1] + OTHERS - b[1],
            a[2] + OTHERS - b[2],
            a[3] + OTHERS - b[3],
            a[4] + OTHERS - b[4],
        ])
    }

    #[inline(always)]
    pub(super) fn times(&self, other: &Self) -> Self {
        let (Self([a0, a1, a2, a3, a4]), Self([b0, b1, b2, b3, b4])) = (*self, *other);
        let (b1f, b2f, b3f, b4f) = (b1 * FOLD, b2 * FOLD, b3 * FOLD, b4 * FOLD);
        reduced([
            column([(a0, b0), (a4, b1f), (a3, b2f), (a2, b3f), (a1, b4f)]),
            column([(a1, b0), (a0, b1), (a4, b2f), (a3, b3f), (a2, b4f)]),
            column([(a2, b0), (a1, b1), (a0, b2), (a4, b3f), (a3, b4f)]),
            column([(a3, b0), (a2, b1), (a1, b2), (a0, b3), (a4, b4f)]),
            column([(a4, b0), (a3, b1), (a2, b2), (a1, b3), (a0, b4)]),
        ])
    }

    #[inline(always)]
    pub(super) fn squared(&self) -> Self {
        let Self([a0, a1, a2, a3, a4]) = *self;
        let (twice_a0, twice_a1, twice_a2, twice_a4) = (2 * a0, 2 * a1, 2 * a2, 2 * a4);
        let (a3f, a4f) = (a3 * FOLD, a4 * FOLD);
        reduced([
            column([(a0, a0), (twice_a1, a4f), (twice_a2, a3f)]),
            column([(a3, a3f), (twice_a0, a1), (twice_a2, a4f)]),
            column([(a1, a1), (twice_a0, a2), (twice_a4, a3f)]),
            column([(a4, a4f), (twice_a0, a3), (twice_a1, a2)]),
            column([(a2, a2), (twice_a0, a4), (twice_a1, a3)]),
        ])
    }

    /// `factor` has 17 bits at most.
    #[inline(always)]
    pub(super) fn times_small(&self, factor: u64) -> Self {
        let Self([a0, a1, a2, a3, a4]) = *self;
        reduced([a0, a1, a2, a3, a4].map(|limb| column([(limb, factor)])))
    }

    /// As [`times`](Self::times), where it is not worth a copy of the code.
    #[inline(never)]
    pub(super) fn times_once(&self, other: &Self) -> Self {
        self.times(other)
    }

    /// To 2^`count`.
    #[inline(never)]
    fn squared_often(&self, count: u32) -> Self {
        (0..count).fold(*self, |power, _| power.squared())
    }

    /// To the prime less 2, 2^255 - 21: the inverse, or zero of zero.
    pub(super) fn inverse(&self) -> Self {
        // What is multiplied has `n` bits, all of them set: 2^n - 1.
        let longer = |ones: &Self, by: u32, more: &Self| ones.squared_often(by).times_once(more);
        let to_2 = self.squared_often(1);
        let to_9 = longer(&to_2, 2, self);
        let to_11 = to_9.times_once(&to_2);
        let ones_5 = longer(&to_11, 1, &to_9);
        let ones_10 = longer(&ones_5, 5, &ones_5);
        let ones_20 = longer(&ones_10, 10, &ones_10);
        let ones_40 = longer(&ones_20, 20, &ones_20);
        let ones_50 = longer(&ones_40, 10, &ones_10);
        let ones_100 = longer(&ones_50, 50, &ones_50);
        let ones_200 = longer(&ones_100, 100, &ones_100);
        let ones_250 = longer(&ones_200, 50, &ones_50);
        longer(&ones_250, 5, &to_11)
    }

    /// `self`, or `other` if the mask is all ones and not zero.
    #[inline(always)]
    pub(super) fn or(&self, other: &Self, mask: u64) -> Self {
        let (Self(a), Self(b)) = (self, other);
        Self(core::array::from_fn(|index| a[index] ^ (mask & (a[index] ^ b[index]))))
    }
}

/// The sum of these products.
///
/// By subtraction, as its operands keep their order: of additions LLVM turns
/// some round, for which Cranelift keeps all products of a column on the stack.
#[inline(always)]
fn column<const N: usize>(products: [(u64, u64); N]) -> u128 {
    let minus = |sum: u128, (a, b)| sum.wrapping_sub(u128::from(a) * u128::from(b));
    products.into_iter().fold(0, minus).wrapping_neg()
}

/// Of columns below 2^112, of which the highest is below 2^109. Not a loop: with one
/// LLVM finds an order that takes an eighth longer.
#[inline(always)]
fn reduced(columns: [u128; 5]) -> Element {
    let [c0, mut c1, mut c2, mut c3, mut c4] = columns;
    let (r0, carry) = split(c0);
    c1 += u128::from(carry);
    let (r1, carry) = split(c1);
    c2 += u128::from(carry);
    let (r2, carry) = split(c2);
    c3 += u128::from(carry);
    let (r3, carry) = split(c3);
    c4 += u128::from(carry);
    let (r4, carry) = split(c4);
    let r0 = r0 + carry * FOLD;
    Element([r0 & LIMB, r1 + (r0 >> BITS), r2, r3, r4])
}

/// A limb, and what is carried.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the low bits, and what is below 2^61")]
fn split(column: u128) -> (u64, u64) {
    (column as u64 & LIMB, (column >> BITS) as u64)
}
