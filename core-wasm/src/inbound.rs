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
        let (taken, rest) = input.split_at(input.len().min(N - self.len));
        *input = rest;
        self.bytes[self.len..self.len + taken.len()].copy_from_slice(taken);
        self.len += taken.len();
        (self.len == N).then(|| {
            self.len = 0;
            &*self.bytes
        })
    }
}
