//! Chooses the implementation for the CPU.

use std::fmt;

use super::aes_ctr::Cipher;
use super::sha256::{Batch, Stock};
#[cfg(target_arch = "x86_64")]
use super::x86::Kernels;

/// A choice of implementations that this CPU can run. All compute the same.
#[derive(Clone, Copy, Default)]
pub struct Backend {
    #[cfg(target_arch = "x86_64")]
    kernels: Kernels,
}

impl Backend {
    /// The fastest.
    #[must_use]
    pub fn detect() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            kernels: Kernels::detect(),
        }
    }

    /// Every choice worth a test or a benchmark: the stock crates, each kernel
    /// of our own alone, and the fastest, which is the last.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        return Kernels::available().into_iter().map(|kernels| Self { kernels });
        #[cfg(not(target_arch = "x86_64"))]
        return std::iter::once(Self {});
    }

    /// The place for a cipher's key.
    pub(super) fn blank_cipher(self) -> Cipher {
        #[cfg(target_arch = "x86_64")]
        if let Some(aes) = self.kernels.aes {
            return Cipher::X86(aes.blank());
        }
        Cipher::stock()
    }

    /// Hashes as many messages of a batch as are best hashed together, at least one of
    /// `count`. Returns how many.
    pub(super) fn run(self, count: usize, batch: &mut impl Batch) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(done) = self.kernels.run(count, batch) {
            return done;
        }
        batch.run(Stock)
    }
}

/// The kernels of our own that it uses, or `stock`.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(target_arch = "x86_64")]
        let names = self.kernels.names();
        #[cfg(not(target_arch = "x86_64"))]
        let names = String::new();
        f.write_str(if names.is_empty() { "stock" } else { &names })
    }
}

/// Runs a batch in every way there is on this CPU, and with the vectors' code
/// on arrays.
#[cfg(test)]
pub(super) fn each_kernel(batch: &mut impl Batch) {
    use super::lanes::tests::Arrays;
    batch.run::<1>(Stock);
    batch.run::<1>(Arrays);
    batch.run::<2>(Arrays);
    batch.run::<8>(Arrays);
    batch.run::<16>(Arrays);
    #[cfg(target_arch = "x86_64")]
    super::x86::each_kernel(batch);
}
