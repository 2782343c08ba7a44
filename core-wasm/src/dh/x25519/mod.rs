//! X25519, RFC 7748 section 5. Clamping is the function's own part, so that
//! any 32 random bytes are a scalar.

#[cfg(any(test, target_pointer_width = "64", feature = "native"))]
#[allow(clippy::inline_always, reason = "a step with all its operands in locals is the point")]
mod field;
#[cfg(any(test, target_pointer_width = "64", feature = "native"))]
#[allow(clippy::many_single_char_names, reason = "the names of the RFC")]
mod ladder;

use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret};

use super::EXPONENT_LEN;
use crate::secret::Secret;

/// Length of a public value and of a shared value, in bytes.
pub(super) const PUBLIC_VALUE_LEN: usize = 32;

/// A u-coordinate, little-endian, as it was sent. Every one is allowed: those
/// that are not reduced stand for the reduced ones, and those of low order
/// show in the shared value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicValue(PublicKey);

impl PublicValue {
    /// `None` unless it is 32 bytes long; nothing else is asked for:
    /// protocol.md H-13.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; PUBLIC_VALUE_LEN] = bytes.try_into().ok()?;
        Some(Self(bytes.into()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// X25519(x, 9).
pub(super) fn public_value(x: &Secret<EXPONENT_LEN>) -> PublicValue {
    PublicValue(PublicKey::from(&StaticSecret::from(*x.expose())))
}

/// X25519(x, peer); `None` if that is 0, section 6.1 and protocol.md H-12.
pub(super) fn shared_value(
    x: &Secret<EXPONENT_LEN>,
    peer: &PublicValue,
) -> Option<Secret<PUBLIC_VALUE_LEN>> {
    let shared = multiply(x, peer);
    bool::from(!shared.expose().ct_eq(&[0; PUBLIC_VALUE_LEN])).then_some(shared)
}

/// Where a product of 64-bit words is one instruction.
#[cfg(any(target_pointer_width = "64", feature = "native"))]
fn multiply(x: &Secret<EXPONENT_LEN>, peer: &PublicValue) -> Secret<PUBLIC_VALUE_LEN> {
    ladder::multiply(x.expose(), peer.0.as_bytes())
}

/// Elsewhere.
#[cfg(not(any(target_pointer_width = "64", feature = "native")))]
fn multiply(x: &Secret<EXPONENT_LEN>, peer: &PublicValue) -> Secret<PUBLIC_VALUE_LEN> {
    Secret::copy_of(StaticSecret::from(*x.expose()).diffie_hellman(&peer.0).as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// Section 6.1.
    #[test]
    fn both_ends_of_the_rfc_agree() {
        let (alice, bob) = (
            Secret::copy_of(&hex!(
                "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
            )),
            Secret::copy_of(&hex!(
                "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
            )),
        );
        let (from_alice, from_bob) = (public_value(&alice), public_value(&bob));
        assert_eq!(
            from_alice.as_bytes(),
            hex!("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        );
        assert_eq!(
            from_bob.as_bytes(),
            hex!("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        );
        let shared = hex!("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(shared_value(&alice, &from_bob).unwrap().expose(), &shared);
        assert_eq!(shared_value(&bob, &from_alice).unwrap().expose(), &shared);
    }

    /// protocol.md H-12.
    #[test]
    fn low_order_values_are_refused_however_they_are_written() {
        let p = hex!("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        let (mut one, mut minus_one, mut one_again, mut high_bit) = ([0; 32], p, p, [0; 32]);
        one[0] = 1;
        minus_one[0] -= 1;
        one_again[0] += 1;
        high_bit[31] = 0x80;
        let order_8 = hex!("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        for value in [[0; 32], one, minus_one, p, one_again, high_bit, order_8] {
            let value = PublicValue::parse(&value).unwrap();
            assert!(shared_value(&Secret::copy_of(&[0x11; 32]), &value).is_none());
        }
    }

    /// protocol.md H-13.
    #[test]
    fn value_is_allowed_however_it_is_written() {
        let mut unreduced =
            hex!("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        unreduced[0] += 9;
        let (mut nine, mut high_bit) = ([0; 32], [0; 32]);
        (nine[0], high_bit[0], high_bit[31]) = (9, 9, 0x80);
        let shared = |value: [u8; 32]| {
            let peer = PublicValue::parse(&value).unwrap();
            assert_eq!(peer.as_bytes(), value);
            *shared_value(&Secret::copy_of(&[0x11; 32]), &peer).unwrap().expose()
        };
        assert_eq!(shared(unreduced), shared(nine));
        assert_eq!(shared(high_bit), shared(nine));
    }
}
