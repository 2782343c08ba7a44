//! X25519 by the Montgomery ladder: RFC 7748 section 5.
//!
//! What the stock crate does, in half the time: there every step calls ten
//! functions that keep their operands in the component's memory, where each
//! access is checked. Here a step has its operands in locals.

use subtle::Choice;
use zeroize::Zeroizing;

use super::field::Element;
use crate::secret::Secret;

/// A point by its u-coordinate, x / z.
struct Point {
    x: Element,
    z: Element,
}

/// (486662 - 2) / 4, of the curve's equation.
const A24: u64 = 121_665;

/// X25519(x, u). Constant time in both (protocol.md K-3).
#[inline(never)]
pub(super) fn multiply(x: &[u8; 32], u: &[u8; 32]) -> Secret<32> {
    let mut x = Zeroizing::new(*x);
    x[0] &= 0xf8;
    x[31] &= 0x7f;
    x[31] |= 0x40;
    let u = Element::from_bytes(u);
    // The point times what has been seen of x, and the same times one more: the
    // one that was doubled in the last step, and the sum of both.
    let mut doubled = Point { x: Element::ONE, z: Element::ZERO };
    let mut sum = Point { x: u, z: Element::ONE };
    let mut last = 0;
    for at in (0..255).rev() {
        let bit = x[at / 8] >> (at % 8) & 1;
        let other = mask(bit ^ last);
        last = bit;
        // In the RFC: A and B, C and D.
        let (a, b) = (doubled.x.plus(&doubled.z), doubled.x.minus(&doubled.z));
        let (c, d) = (sum.x.plus(&sum.z), sum.x.minus(&sum.z));
        // It is the same whichever of them is which, so that only what is doubled
        // is chosen.
        let (da, cb) = (d.times(&a), c.times(&b));
        let (aa, bb) = (a.or(&c, other).squared(), b.or(&d, other).squared());
        let e = aa.minus(&bb);
        sum.x = da.plus(&cb).squared();
        sum.z = u.times(&da.minus(&cb).squared());
        doubled.x = aa.times(&bb);
        doubled.z = e.times(&aa.plus(&e.times_small(A24)));
    }
    let other = mask(last);
    let (x, z) = (doubled.x.or(&sum.x, other), doubled.z.or(&sum.z, other));
    Secret::copy_of(&Zeroizing::new(x.times_once(&z.inverse()).to_bytes()))
}

/// All ones if the bit is set, else zero; no compiler knows that.
#[inline]
fn mask(bit: u8) -> u64 {
    u64::from(Choice::from(bit).unwrap_u8()).wrapping_neg()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;
    use x25519_dalek::{PublicKey, StaticSecret};

    use super::*;

    fn check(x: [u8; 32], u: [u8; 32]) {
        let expected = StaticSecret::from(x).diffie_hellman(&PublicKey::from(u));
        assert_eq!(multiply(&x, &u).expose(), expected.as_bytes());
    }

    /// RFC 7748 section 5.2.
    #[test]
    fn iterated() {
        let mut u = [0; 32];
        u[0] = 9;
        let mut x = u;
        for _ in 0..1000 {
            (x, u) = (*multiply(&x, &u).expose(), x);
        }
        let expected = hex!("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
        assert_eq!(x, expected);
    }

    /// Limbs that are full, numbers about the prime and about 2^255.
    #[test]
    fn edges() {
        let near = |lowest: u8, rest: u8, highest: u8| {
            let mut bytes = [rest; 32];
            (bytes[0], bytes[31]) = (lowest, highest);
            bytes
        };
        for x in [[0; 32], [0xff; 32], [0x55; 32]] {
            for lowest in (0..3).chain(0xea..=0xff) {
                for highest in [0, 0x7f, 0x80, 0xff] {
                    check(x, near(lowest, 0, highest));
                    check(x, near(lowest, 0xff, highest));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any(x: [u8; 32], u: [u8; 32]) {
            check(x, u);
        }
    }
}
