//! An accumulator: exactly `N` bytes, or nothing yet.

use zeroize::Zeroizing;

/// Collects exactly `N` bytes from input that is split anyhow.
pub(crate) struct Inbound<const N: usize> {
    bytes: Zeroizing<[u8; N]>,
    len: usize,
}

impl<const N: usize> Inbound<N> {
    pub(crate) fn new() -> Self {
        Self { bytes: Zeroizing::new([0; N]), len: 0 }
    }

    /// What has come so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes from the front of `input` what is missing. When all `N` bytes
    /// are there, returns them and begins anew.
    pub(crate) fn fill(&mut self, input: &mut &[u8]) -> Option<&[u8; N]> {
        self.fill_to(N, input)?;
        self.len = 0;
        Some(&*self.bytes)
    }

    /// Takes from the front of `input` what is missing for `len` bytes, at
    /// most `N`. Returns these when they are there.
    pub(crate) fn fill_to(&mut self, len: usize, input: &mut &[u8]) -> Option<&[u8]> {
        let missing = len.min(N).saturating_sub(self.len);
        let (taken, rest) = input.split_at(input.len().min(missing));
        *input = rest;
        self.bytes[self.len..self.len + taken.len()].copy_from_slice(taken);
        self.len += taken.len();
        self.bytes[..self.len].get(..len)
    }
}
