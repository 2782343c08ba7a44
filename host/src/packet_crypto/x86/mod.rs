//! Kernels of our own for x86-64. A value of a kernel's type proves that the
//! CPU has what the kernel needs: only detection makes one.

#![allow(clippy::inline_always, reason = "intrinsics must end up where their feature is enabled")]
#![allow(clippy::wildcard_imports, reason = "intrinsics name their origin themselves")]

pub(super) mod aes;
mod avx2;
mod avx512;
mod ctr;
mod lanes;
mod sha_ni;

use self::aes::Aes;
use self::avx2::Avx2;
use self::avx512::Avx512;
use self::sha_ni::ShaNi;
use super::Packet;
use super::hmac::{MacKey, Tag};

/// From how many packets on AVX-512 with idle lanes takes less time than
/// SHA-NI, four packets at once. MB/s, hashing alone: 3640 in 16 lanes and 2990
/// with SHA-NI on a Zen 4, hence from 14 on; 3840 and 2300 on a Xeon (Sapphire
/// Rapids), hence from 10 on.
const AVX512_OVER_SHA_NI: usize = 12;

/// From how many packets on idle lanes cost less than the `sha2` crate on a CPU
/// without SHA-NI: there it hashes 370 MB/s, and AVX2 in 8 lanes 1880.
const WIDE_OVER_STOCK: usize = 2;

/// Kernels to use.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kernels {
    pub(super) aes: Option<Aes>,
    avx512: Option<Avx512>,
    sha_ni: Option<ShaNi>,
    avx2: Option<Avx2>,
}

impl Kernels {
    pub(super) fn detect() -> Self {
        Self {
            aes: Aes::detect(),
            avx512: Avx512::detect(),
            sha_ni: ShaNi::detect(),
            avx2: Avx2::detect(),
        }
    }

    /// None, each kernel of this CPU alone, and all.
    pub(super) fn available() -> Vec<Self> {
        let all = Self::detect();
        let none = Self::default();
        let ciphers = Aes::available().map(|aes| Self { aes: Some(aes), ..none });
        let hashes = [
            Self { avx2: all.avx2, ..none },
            Self { sha_ni: all.sha_ni, ..none },
            Self { avx512: all.avx512, ..none },
        ];
        let mut available = vec![none];
        for choice in ciphers.chain(hashes).chain([all]) {
            if !available.contains(&choice) {
                available.push(choice);
            }
        }
        available
    }

    pub(super) fn names(self) -> String {
        let names = [
            self.aes.map(Aes::name),
            self.avx512.map(|_| "avx512"),
            self.sha_ni.map(|_| "sha-ni"),
            self.avx2.map(|_| "avx2"),
        ];
        names.into_iter().flatten().collect::<Vec<_>>().join("+")
    }

    /// As [`Backend::tags`](super::Backend::tags); `None` where the stock
    /// crate is best.
    pub(super) fn tags(
        self,
        key: &MacKey,
        first: u64,
        packets: &[Packet],
        tags: &mut [Tag],
    ) -> Option<usize> {
        let count = packets.len();
        if let Some(avx512) = self.avx512
            && count >= if self.sha_ni.is_some() { AVX512_OVER_SHA_NI } else { WIDE_OVER_STOCK }
        {
            return Some(key.tags::<16>(avx512, first, packets, tags));
        }
        if let Some(sha_ni) = self.sha_ni {
            return match count {
                4.. => Some(key.tags::<4>(sha_ni, first, packets, tags)),
                2.. => Some(key.tags::<2>(sha_ni, first, packets, tags)),
                _ => None,
            };
        }
        if let Some(avx2) = self.avx2
            && count >= WIDE_OVER_STOCK
        {
            return Some(key.tags::<8>(avx2, first, packets, tags));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::sha256::{Block, Sha256, Words, compress};
    use super::super::tests::Random;
    use super::*;

    #[test]
    fn every_kernel_of_this_cpu_is_available_alone() {
        let names: Vec<_> = Kernels::available().into_iter().map(Kernels::names).collect();
        let offered = [
            ("aes-ni", is_x86_feature_detected!("aes")),
            ("vaes256", is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx2")),
            ("vaes512", is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx512f")),
            ("avx512", is_x86_feature_detected!("avx512bw")),
            ("sha-ni", is_x86_feature_detected!("sha")),
            ("avx2", is_x86_feature_detected!("avx2")),
        ];
        for (name, offered) in offered {
            assert_eq!(
                names.iter().filter(|found| *found == name).count(),
                usize::from(offered),
                "{name}"
            );
        }
    }

    #[test]
    fn every_kernel_hashes_as_the_stock_crate_does() {
        let Kernels { avx512, sha_ni, avx2, .. } = Kernels::detect();
        for blocks in 0..40 {
            avx512.inspect(|sha256| hashes_as_stock::<16>(*sha256, blocks));
            avx2.inspect(|sha256| hashes_as_stock::<8>(*sha256, blocks));
            sha_ni.inspect(|sha256| hashes_as_stock::<4>(*sha256, blocks));
            sha_ni.inspect(|sha256| hashes_as_stock::<2>(*sha256, blocks));
        }
    }

    fn hashes_as_stock<const N: usize>(sha256: impl Sha256<N>, blocks: usize) {
        let mut random = Random(blocks as u64);
        let state: Words = std::array::from_fn(|_| u32::from_le_bytes(random.bytes()));
        let messages: [Vec<Block>; N] =
            std::array::from_fn(|_| (0..blocks).map(|_| random.bytes()).collect());
        let last: [Block; N] = std::array::from_fn(|_| random.bytes());
        let found = sha256.extend(&state, messages.each_ref().map(Vec::as_slice), &last);
        for ((found, message), last) in found.into_iter().zip(messages).zip(last) {
            let mut expected = state;
            compress(&mut expected, &message);
            compress(&mut expected, &[last]);
            assert_eq!(found, expected, "{blocks} blocks");
        }
    }
}
