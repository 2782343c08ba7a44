//! The parts of `CPace` that this protocol uses: `CPACE-RISTR255-SHA512` of
//! draft-irtf-cfrg-cpace-13.

use alloc::vec::Vec;
use core::ops::Mul as _;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::message::Value;
use crate::secret::Secret;

/// The draft's `G.DSI`.
const DSI: &[u8] = b"CPaceRistretto255";

/// The draft's `H.s_in_bytes`: the block length of SHA-512.
const BLOCK_LEN: usize = 128;

/// The draft's `calculate_generator`.
pub(super) fn generator(code: &[u8], channel: &[u8], session: &[u8]) -> RistrettoPoint {
    let text = generator_string(code, channel, session);
    let hash: Zeroizing<[u8; 64]> = Zeroizing::new(Sha512::digest(&*text).into());
    RistrettoPoint::from_uniform_bytes(&hash)
}

/// The draft's `generator_string`: the code is in the first block of the hash alone, so
/// that the time does not depend on it.
fn generator_string(code: &[u8], channel: &[u8], session: &[u8]) -> Zeroizing<Vec<u8>> {
    let parts = [DSI.len(), code.len(), BLOCK_LEN, channel.len(), session.len()];
    // Never reallocated, which would leave a copy behind.
    let mut text =
        Zeroizing::new(Vec::with_capacity(parts.iter().sum::<usize>() + parts.len() * LENGTH_MAX));
    prepend_len(DSI, &mut text);
    prepend_len(code, &mut text);
    let padding = (BLOCK_LEN - 1).saturating_sub(text.len());
    prepend_len(&[0; BLOCK_LEN][..padding], &mut text);
    prepend_len(channel, &mut text);
    prepend_len(session, &mut text);
    text
}

/// The draft's `prepend_len`: the length in LEB128, then the bytes.
fn prepend_len(bytes: &[u8], text: &mut Vec<u8>) {
    let mut length = bytes.len();
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            text.push(low & 0x7f);
            break;
        }
        text.push(low | 0x80);
    }
    text.extend_from_slice(bytes);
}

/// The most bytes of a length in LEB128.
const LENGTH_MAX: usize = 10;

/// The draft's `scalar_mult`.
pub(super) fn public_value(generator: &RistrettoPoint, exponent: &Secret<32>) -> Value {
    generator.mul(&*scalar(exponent)).compress().to_bytes()
}

/// The draft's `scalar_mult_vfy`: `None` for bytes that encode no point, and for the
/// identity.
pub(super) fn shared_value(peer: &Value, exponent: &Secret<32>) -> Option<Secret<32>> {
    let peer = CompressedRistretto(*peer).decompress()?;
    let shared = Zeroizing::new(peer.mul(&*scalar(exponent)));
    (!shared.is_identity()).then(|| Secret::copy_of(&Zeroizing::new(shared.compress().to_bytes())))
}

/// The draft's `sample_scalar`, from 252 of the given random bits.
fn scalar(exponent: &Secret<32>) -> Zeroizing<Scalar> {
    let mut bytes = Zeroizing::new(*exponent.expose());
    bytes[31] &= 0x0f;
    Zeroizing::new(Scalar::from_bytes_mod_order(*bytes))
}

/// Appendix B.3 of the draft.
#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const CODE: &[u8] = b"Password";
    const CHANNEL: [u8; 26] = hex!("6f630b425f726573706f6e6465720b415f696e69746961746f72");
    const SESSION: [u8; 16] = hex!("7e4b4791d6a8ef019b936c79fb7f2c57");
    const EXPONENT_A: [u8; 32] =
        hex!("da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08");
    const PUBLIC_A: [u8; 32] =
        hex!("d40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a");
    const EXPONENT_B: [u8; 32] =
        hex!("d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d");
    const PUBLIC_B: [u8; 32] =
        hex!("08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307");
    const SHARED: [u8; 32] =
        hex!("e22b1ef7788f661478f3cddd4c600774fc0f41e6b711569190ff88fa0e607e09");

    #[test]
    fn generator_string_is_the_drafts() {
        let text = generator_string(CODE, &CHANNEL, &SESSION);
        assert_eq!(text.len(), 172);
        let start = hex!("11435061636552697374726574746f3235350850617373776f726464");
        let end = hex!(
            "1a6f630b425f726573706f6e6465720b415f696e69746961746f72"
            "107e4b4791d6a8ef019b936c79fb7f2c57"
        );
        assert_eq!(text[..28], start);
        assert_eq!(text[28..128], [0; 100]);
        assert_eq!(text[128..], end);
    }

    #[test]
    fn generator_is_the_drafts() {
        let generator = generator(CODE, &CHANNEL, &SESSION);
        assert_eq!(
            generator.compress().to_bytes(),
            hex!("a6fc82c3b8968fbb2e06fee81ca858586dea50d248f0c7ca6a18b0902a30b36b")
        );
        assert_eq!(public_value(&generator, &Secret::copy_of(&EXPONENT_A)), PUBLIC_A);
        assert_eq!(public_value(&generator, &Secret::copy_of(&EXPONENT_B)), PUBLIC_B);
    }

    #[test]
    fn shared_value_is_the_drafts() {
        for (exponent, peer) in [(EXPONENT_A, PUBLIC_B), (EXPONENT_B, PUBLIC_A)] {
            let shared = shared_value(&peer, &Secret::copy_of(&exponent));
            assert_eq!(shared.map(|shared| *shared.expose()), Some(SHARED));
        }
    }

    #[test]
    fn shared_value_with_any_peer_is_the_drafts() {
        let exponent = hex!("7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05");
        let peer = hex!("2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
        let expected = hex!("7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e");
        let shared = shared_value(&peer, &Secret::copy_of(&exponent));
        assert_eq!(shared.map(|shared| *shared.expose()), Some(expected));
    }

    #[test]
    fn what_is_no_point_and_the_identity_are_refused() {
        let exponent = Secret::copy_of(&EXPONENT_A);
        // The draft's invalid one, and what no encoding is.
        let invalid = hex!("2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
        for peer in [[0; 32], [0xff; 32], invalid] {
            assert!(shared_value(&peer, &exponent).is_none(), "{peer:?}");
        }
    }

    #[test]
    fn lengths_are_leb128() {
        for (length, prefix) in
            [(0, &[0][..]), (127, &[127]), (128, &[0x80, 1]), (1024, &[0x80, 8])]
        {
            let mut text = Vec::new();
            prepend_len(&alloc::vec![7; length], &mut text);
            assert_eq!(&text[..prefix.len()], prefix);
            assert_eq!(text.len(), prefix.len() + length);
        }
    }
}
