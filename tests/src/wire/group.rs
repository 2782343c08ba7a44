//! RFC 3526 group 14: 2048-bit numbers modulo a prime, generator 2.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256, U2048};

/// A number of the handshake, as on the wire.
pub type PublicValue = [u8; 256];

/// 0 as a public value.
pub fn zero() -> PublicValue {
    [0; 256]
}

/// The highest public value in range; its powers are itself and 1.
pub fn prime_minus_one() -> PublicValue {
    to_wire(&PRIME.wrapping_sub(&U2048::ONE))
}

/// The lowest public value out of range.
pub fn prime() -> PublicValue {
    to_wire(&PRIME)
}

/// 1 as a public value, which is what an end without forward secrecy sends.
pub fn one() -> PublicValue {
    to_wire(&U2048::ONE)
}

/// `base` to the power of 2^258 + `exponent`, as the original computes it.
pub(super) fn power(base: &PublicValue, exponent: &[u8; 32]) -> PublicValue {
    let params = FixedMontyParams::new_vartime(Odd::new(PRIME).unwrap());
    let base =
        FixedMontyForm::new(&from_wire(base).rem_vartime(params.modulus().as_nz_ref()), &params);
    let fixed_top = U2048::ONE.shl_vartime(258);
    let exponent = U2048::from(&U256::from_be_slice(exponent)).wrapping_add(&fixed_top);
    to_wire(&base.pow_vartime(&exponent).retrieve())
}

/// The generator.
pub(super) fn two() -> PublicValue {
    to_wire(&U2048::from(2_u8))
}

/// A number as on the wire.
fn to_wire(number: &U2048) -> PublicValue {
    number.to_be_bytes().into()
}

fn from_wire(value: &PublicValue) -> U2048 {
    U2048::from_be_slice(value)
}

const PRIME: U2048 = U2048::from_be_hex(concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05",
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB",
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718",
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
));
