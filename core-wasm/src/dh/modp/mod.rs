//! Diffie-Hellman in RFC 3526 group 14: 2048-bit MODP, generator 2.
//!
//! Exponentiation is constant time in the exponent and the base: powers of a
//! peer's value by [`power`], of the generator by [`generator`], both with the
//! arithmetic of [`field`]. Comparisons of public values are not, and need not be: those
//! values travel in the clear.

mod field;
mod generator;
mod group;
mod power;

use crypto_bigint::U2048;
use zeroize::Zeroizing;

use super::EXPONENT_LEN;
use crate::secret::Secret;
use group::PRIME;

/// Length of a public value and of a shared value of this group, in bytes.
pub const PUBLIC_VALUE_LEN: usize = 256;

/// The exponent's length in bits: 2^258 + x, with x below 2^256.
const EXPONENT_BITS: usize = 259;

/// The word size that suits the target. The component of the native world has
/// wide arithmetic.
#[cfg(any(target_pointer_width = "64", feature = "native"))]
type Word = u64;
#[cfg(not(any(target_pointer_width = "64", feature = "native")))]
type Word = u32;

/// A public value y below the group's prime. Zero is among them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicValue(U2048);

impl PublicValue {
    /// What an end that omits forward secrecy sends.
    pub(super) const ONE: Self = Self(U2048::ONE);

    /// `None` unless `bytes` is a big-endian number of 256 bytes below the
    /// prime: protocol.md H-10.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; PUBLIC_VALUE_LEN] = bytes.try_into().ok()?;
        let value = U2048::from_be_slice(bytes);
        (value < *PRIME).then_some(Self(value))
    }

    pub(super) fn to_bytes(&self) -> [u8; PUBLIC_VALUE_LEN] {
        self.0.to_be_bytes().into()
    }

    /// Whether this value fixes the shared value, whatever our exponent:
    /// 0, 1, or p-1, whose powers are 1 and p-1.
    pub(super) fn is_degenerate(&self) -> bool {
        let largest = PRIME.wrapping_sub(&U2048::ONE);
        self.0 <= U2048::ONE || self.0 == largest
    }
}

/// The public value 2^(2^258 + x) mod p. The exponent is of fixed length, so
/// that its computing time does not depend on x.
pub(super) fn public_value(x: &Secret<EXPONENT_LEN>) -> PublicValue {
    PublicValue(generator::power::<Word, _, _>(x.expose()))
}

/// The shared value: the peer's public value to the same exponent.
pub(super) fn shared_value(
    x: &Secret<EXPONENT_LEN>,
    peer: &PublicValue,
) -> Secret<PUBLIC_VALUE_LEN> {
    let shared = Zeroizing::new(power::power::<Word, _, _>(&peer.0, x.expose()));
    let bytes = Zeroizing::new(<[u8; PUBLIC_VALUE_LEN]>::from(shared.to_be_bytes()));
    Secret::copy_of(&bytes)
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use sha2::{Digest, Sha256};

    use super::*;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    fn prime() -> U2048 {
        *PRIME
    }

    fn parse(value: U2048) -> Option<PublicValue> {
        PublicValue::parse(value.to_be_bytes().as_ref())
    }

    #[test]
    fn prime_is_group_14() {
        let bytes: [u8; 256] = prime().to_be_bytes().into();
        assert_eq!(
            sha256(&bytes),
            hex!("d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e")
        );
    }

    #[test]
    fn exponentiations_match_upstream() {
        let (client, server) = (Secret::copy_of(&[0x11; 32]), Secret::copy_of(&[0x22; 32]));
        let (y_client, y_server) = (public_value(&client), public_value(&server));
        assert_eq!(
            sha256(&y_client.to_bytes()),
            hex!("4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d")
        );
        assert_eq!(
            sha256(&y_server.to_bytes()),
            hex!("9432e4bdb72341dc5274f2a6baffa994a52ed96165f8c9dd072f987f0adbee50")
        );
        let shared = hex!("8c7cacd843dd59af675521b91d5f038c51c403c4c3204045d3706741a3967610");
        assert_eq!(sha256(shared_value(&client, &y_server).expose()), shared);
        assert_eq!(sha256(shared_value(&server, &y_client).expose()), shared);
    }

    #[test]
    fn public_values_are_below_the_prime() {
        let largest = prime().wrapping_sub(&U2048::ONE);
        for accepted in [U2048::ZERO, U2048::ONE, U2048::from_u8(2), largest] {
            assert!(parse(accepted).is_some(), "{accepted}");
        }
        for refused in [prime(), prime().wrapping_add(&U2048::ONE), U2048::MAX] {
            assert!(parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn degenerate_values_fix_the_shared_value() {
        let exponents = [Secret::copy_of(&[0x11; 32]), Secret::copy_of(&[0x23; 32])];
        let largest = prime().wrapping_sub(&U2048::ONE);
        for (value, degenerate) in [
            (U2048::ZERO, true),
            (U2048::ONE, true),
            (U2048::from_u8(2), false),
            (largest.wrapping_sub(&U2048::ONE), false),
            (largest, true),
        ] {
            let value = parse(value).expect("below the prime");
            assert_eq!(value.is_degenerate(), degenerate);
            // All of 0, 1, p-1 have a shared value that is its own square or 1.
            let [a, b] = exponents.each_ref().map(|x| parse_shared(&shared_value(x, &value)));
            assert_eq!(a.is_degenerate() && b.is_degenerate(), degenerate);
        }
    }

    fn parse_shared(shared: &Secret<PUBLIC_VALUE_LEN>) -> PublicValue {
        PublicValue::parse(shared.expose()).expect("reduced")
    }
}
