//! An accumulator for exactly `N` bytes.

use zeroize::Zeroizing;

/// Collects exactly `N` bytes from input that is split arbitrarily.
pub(crate) struct Inbound<const N: usize> {
    bytes: Zeroizing<[u8; N]>,
    len: usize,
}

impl<const N: usize> Inbound<N> {
    pub(crate) fn new() -> Self {
        Self { bytes: Zeroizing::new([0; N]), len: 0 }
    }

    /// The bytes received so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the missing bytes from the front of `input`. When all `N` bytes are
    /// present, returns them and starts again.
    pub(crate) fn fill(&mut self, input: &mut &[u8]) -> Option<&[u8; N]> {
        self.fill_to(N, input)?;
        self.len = 0;
        Some(&*self.bytes)
    }

    /// Takes the bytes missing for `len` bytes, at most `N`, from the front of `input`.
    /// Returns them when they are present.
    pub(crate) fn fill_to(&mut self, len: usize, input: &mut &[u8]) -> Option<&[u8]> {
        let missing = len.min(N).saturating_sub(self.len);
        let (taken, rest) = input.split_at(input.len().min(missing));
        *input = rest;
        self.bytes[self.len..self.len + taken.len()].copy_from_slice(taken);
        self.len += taken.len();
        self.bytes[..self.len].get(..len)
    }
}
