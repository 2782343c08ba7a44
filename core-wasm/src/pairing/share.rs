//! Our half of the Diffie-Hellman exchange, in the group of either mode.

use curve25519_dalek::constants::X25519_BASEPOINT;
use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cpace;
use super::message::{LABEL, Mode, Value};
use crate::secret::Secret;

/// Length of a secret exponent, in bytes.
pub(super) const EXPONENT_LEN: usize = 32;

/// Our exponent and our public value.
pub(super) struct Share {
    mode: Mode,
    exponent: Secret<EXPONENT_LEN>,
    /// The value for the peer.
    pub(super) public: Value,
}

impl Share {
    /// For the comparison of strings: X25519 (RFC 7748, section 6.1).
    pub(super) fn comparing(exponent: Secret<EXPONENT_LEN>) -> Self {
        // Computed once per pairing, so the table for this point is not worth its size.
        let public = X25519_BASEPOINT.mul_clamped(*exponent.expose()).to_bytes();
        Self { mode: Mode::Comparing, exponent, public }
    }

    /// With a code: `CPace`, with this protocol's label as the draft's channel
    /// identifier, and without a session identifier.
    pub(super) fn code(code: &[u8], exponent: Secret<EXPONENT_LEN>) -> Self {
        let generator = Zeroizing::new(cpace::generator(code, LABEL, b""));
        let public = cpace::public_value(&generator, &exponent);
        Self { mode: Mode::Code, exponent, public }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The shared value; `None` if the peer's public value is refused. Our own value is
    /// refused: it was reflected, or the peer has the same randomness.
    pub(super) fn shared(&self, peer: &Value) -> Option<Secret<32>> {
        if *peer == self.public {
            return None;
        }
        match self.mode {
            Mode::Comparing => {
                let shared = MontgomeryPoint(*peer).mul_clamped(*self.exponent.expose());
                let shared = Secret::copy_of(&Zeroizing::new(shared.to_bytes()));
                // A point of low order: anyone could compute the result.
                (!bool::from(shared.expose().ct_eq(&[0; 32]))).then_some(shared)
            }
            Mode::Code => cpace::shared_value(peer, &self.exponent),
        }
    }
}
