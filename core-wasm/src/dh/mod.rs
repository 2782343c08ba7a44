//! Diffie-Hellman in RFC 3526 group 14: 2048-bit MODP, generator 2.
//!
//! Exponentiation is constant time in the exponent and the base: powers of a
//! peer's value by `crypto-bigint`'s fixed window, powers of the generator by
//! [`generator`]. Comparisons of public values are not, and need not be: those
//! values travel in the clear.

mod generator;

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U256, U320, U2048, const_monty_params};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Length of a public value and of a shared value, in bytes.
pub const PUBLIC_VALUE_LEN: usize = 256;
/// Random bytes an exponent is made of.
pub(crate) const EXPONENT_LEN: usize = 32;

/// The exponent's length in bits: 2^258 + x, with x below 2^256.
const EXPONENT_BITS: u32 = 259;

const_monty_params!(
    Group14,
    U2048,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
     020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
     4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
     98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
     9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
     E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
     3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    "The group's prime modulus."
);

type Element = ConstMontyForm<Group14, { U2048::LIMBS }>;

/// A public value y below the group's prime. Zero is among them.
#[derive(Clone)]
pub(crate) struct PublicValue(U2048);

impl PublicValue {
    /// What an end that omits forward secrecy sends.
    pub(crate) const ONE: Self = Self(U2048::ONE);

    /// `None` if the big-endian number in `bytes` is not below the prime.
    pub(crate) fn parse(bytes: &[u8; PUBLIC_VALUE_LEN]) -> Option<Self> {
        let value = U2048::from_be_slice(bytes);
        (value < *Element::MODULUS.as_ref()).then_some(Self(value))
    }

    pub(crate) fn to_bytes(&self) -> [u8; PUBLIC_VALUE_LEN] {
        self.0.to_be_bytes().into()
    }

    /// Whether this value fixes the shared value, whatever our exponent:
    /// 0, 1, or p-1, whose powers are 1 and p-1.
    pub(crate) fn is_degenerate(&self) -> bool {
        let largest = Element::MODULUS.as_ref().wrapping_sub(&U2048::ONE);
        self.0 <= U2048::ONE || self.0 == largest
    }
}

/// A secret exponent, 2^258 + x: of fixed length, so that its computing time
/// does not depend on x.
#[derive(Clone)]
pub(crate) struct Exponent {
    x: Zeroizing<U256>,
}

impl Exponent {
    pub(crate) fn new(x: &[u8; EXPONENT_LEN]) -> Self {
        Self { x: Zeroizing::new(U256::from_be_slice(x)) }
    }

    /// The public value 2^exponent mod p.
    pub(crate) fn public_value(&self) -> PublicValue {
        PublicValue(generator::power(&self.x).retrieve())
    }

    /// The shared value: the peer's public value to this exponent.
    pub(crate) fn shared_value(&self, peer: &PublicValue) -> Secret<PUBLIC_VALUE_LEN> {
        let high = U320::ONE.shl_vartime(EXPONENT_BITS - 1);
        let exponent = Zeroizing::new(self.x.resize::<{ U320::LIMBS }>().bitor(&high));
        let shared = Element::new(&peer.0).pow_bounded_exp(&*exponent, EXPONENT_BITS);
        let shared = Zeroizing::new(shared.retrieve());
        Secret::new(shared.to_be_bytes().into())
    }
}

/// The shared value when this end omits forward secrecy: 1.
pub(crate) fn shared_value_omitted() -> Secret<PUBLIC_VALUE_LEN> {
    Secret::new(PublicValue::ONE.to_bytes())
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
        *Element::MODULUS.as_ref()
    }

    fn parse(value: U2048) -> Option<PublicValue> {
        PublicValue::parse(&value.to_be_bytes().into())
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
        let client = Exponent::new(&[0x11; 32]);
        let server = Exponent::new(&[0x22; 32]);
        let (y_client, y_server) = (client.public_value(), server.public_value());
        assert_eq!(
            sha256(&y_client.to_bytes()),
            hex!("4acbf0e6572d7ed655fabf87a91f43a04a7630addb0f2e2fa40958dbab49247d")
        );
        assert_eq!(
            sha256(&y_server.to_bytes()),
            hex!("9432e4bdb72341dc5274f2a6baffa994a52ed96165f8c9dd072f987f0adbee50")
        );
        let shared = hex!("8c7cacd843dd59af675521b91d5f038c51c403c4c3204045d3706741a3967610");
        assert_eq!(sha256(client.shared_value(&y_server).expose()), shared);
        assert_eq!(sha256(server.shared_value(&y_client).expose()), shared);
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
        let exponents = [Exponent::new(&[0x11; 32]), Exponent::new(&[0x23; 32])];
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
            let [a, b] = exponents.each_ref().map(|x| parse_shared(&x.shared_value(&value)));
            assert_eq!(a.is_degenerate() && b.is_degenerate(), degenerate);
        }
    }

    fn parse_shared(shared: &Secret<PUBLIC_VALUE_LEN>) -> PublicValue {
        PublicValue::parse(shared.expose()).expect("reduced")
    }
}
