//! Which implementation is used, by what the CPU offers.

use std::fmt;

use super::aes_ctr::Cipher;
use super::hmac::{MacKey, Tag};
use super::sha256::Stock;
#[cfg(target_arch = "x86_64")]
use super::x86::Kernels;
use super::{KEY_LEN, Packet};

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

    pub(super) fn cipher(self, key: &[u8; KEY_LEN]) -> Cipher {
        #[cfg(target_arch = "x86_64")]
        if let Some(aes) = self.kernels.aes {
            return Cipher::X86(aes.expand(key));
        }
        Cipher::stock(key)
    }

    /// The MACs of as many of the first packets as are best hashed at once, at
    /// least one. Returns how many.
    pub(super) fn tags(
        self,
        key: &MacKey,
        first: u64,
        packets: &[Packet],
        tags: &mut [Tag],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(done) = self.kernels.tags(key, first, packets, tags) {
            return done;
        }
        key.tags(Stock, first, packets, tags)
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
