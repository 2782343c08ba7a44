//! Kernels of our own for x86-64. A value of a kernel's type proves that the
//! CPU has what the kernel needs: only detection makes one.

#![allow(clippy::inline_always, reason = "intrinsics must end up where their feature is enabled")]
#![allow(clippy::wildcard_imports, reason = "intrinsics name their origin themselves")]

pub(super) mod aes;
mod avx2;
mod avx512;
mod avx512vl;
mod on_lanes;
mod sha_ni;

use self::aes::Aes;
use self::avx2::Avx2;
use self::avx512::Avx512;
use self::avx512vl::Avx512Vl;
use self::sha_ni::ShaNi;
use super::sha256::Batch;

// From how many messages on lanes, some of them idle, take less time than
// narrower kernels. On a Zen 4 a block takes 1080 cycles in 16 lanes, 585 in
// 8, and with SHA-NI 330 for four messages, 170 for two.

/// Eight lanes, over SHA-NI twice.
const AVX512VL_OVER_SHA_NI: usize = 8;

/// Sixteen lanes, over eight and then SHA-NI: up to 12 messages take less time in
/// two goes (12 of them by 15 %), 13 would need three.
const AVX512_OVER_BOTH: usize = 13;

/// Sixteen lanes, over eight twice.
const AVX512_OVER_AVX512VL: usize = 9;

/// Sixteen lanes, over SHA-NI, four messages at once. MB/s, hashing alone: 3640
/// in 16 lanes and 2990 with SHA-NI on a Zen 4, hence from 14 on; 3840 and 2300
/// on a Xeon (Sapphire Rapids), hence from 10 on.
const AVX512_OVER_SHA_NI: usize = 12;

/// From how many messages on idle lanes cost less than the `sha2` crate on a CPU
/// without SHA-NI: there it hashes 370 MB/s, and AVX2 in 8 lanes 1880.
const WIDE_OVER_STOCK: usize = 2;

/// Kernels to use.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kernels {
    pub(super) aes: Option<Aes>,
    avx512: Option<Avx512>,
    avx512vl: Option<Avx512Vl>,
    sha_ni: Option<ShaNi>,
    avx2: Option<Avx2>,
}

impl Kernels {
    pub(super) fn detect() -> Self {
        Self {
            aes: Aes::detect(),
            avx512: Avx512::detect(),
            avx512vl: Avx512Vl::detect(),
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
            Self { avx512vl: all.avx512vl, ..none },
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
            self.avx512vl.map(|_| "avx512vl"),
            self.sha_ni.map(|_| "sha-ni"),
            self.avx2.map(|_| "avx2"),
        ];
        names.into_iter().flatten().collect::<Vec<_>>().join("+")
    }

    /// As [`Backend::run`](super::Backend::run); `None` where the stock crate
    /// is best.
    pub(super) fn run(self, count: usize, batch: &mut impl Batch) -> Option<usize> {
        let (from_8, from_16) = match (self.sha_ni, self.avx512vl) {
            (Some(_), Some(_)) => (AVX512VL_OVER_SHA_NI, AVX512_OVER_BOTH),
            (Some(_), None) => (0, AVX512_OVER_SHA_NI),
            (None, Some(_)) => (WIDE_OVER_STOCK, AVX512_OVER_AVX512VL),
            (None, None) => (0, WIDE_OVER_STOCK),
        };
        if let Some(avx512) = self.avx512
            && count >= from_16
        {
            return Some(batch.run::<16>(avx512));
        }
        if let Some(avx512vl) = self.avx512vl
            && count >= from_8
        {
            return Some(batch.run::<8>(avx512vl));
        }
        if let Some(sha_ni) = self.sha_ni {
            return match count {
                4.. => Some(batch.run::<4>(sha_ni)),
                2.. => Some(batch.run::<2>(sha_ni)),
                _ => None,
            };
        }
        if let Some(avx2) = self.avx2
            && count >= WIDE_OVER_STOCK
        {
            return Some(batch.run::<8>(avx2));
        }
        None
    }
}

/// Runs a batch on every hash kernel that this CPU has.
#[cfg(test)]
pub(super) fn each_kernel(batch: &mut impl Batch) {
    let Kernels { avx512, avx512vl, sha_ni, avx2, .. } = Kernels::detect();
    if let Some(avx512) = avx512 {
        batch.run::<16>(avx512);
    }
    if let Some(avx512vl) = avx512vl {
        batch.run::<8>(avx512vl);
    }
    if let Some(sha_ni) = sha_ni {
        batch.run::<4>(sha_ni);
        batch.run::<2>(sha_ni);
    }
    if let Some(avx2) = avx2 {
        batch.run::<8>(avx2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `Kernels::available` has is what the other tests go through, so this
    /// says which kernels they tested.
    #[test]
    #[expect(clippy::print_stderr, reason = "which kernels ran is a result")]
    fn every_kernel_of_this_cpu_is_available_alone() {
        let names: Vec<_> = Kernels::available().into_iter().map(Kernels::names).collect();
        let offered = [
            ("aes-ni", is_x86_feature_detected!("aes")),
            ("vaes256", is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx2")),
            ("vaes512", is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx512f")),
            ("avx512", is_x86_feature_detected!("avx512bw")),
            ("avx512vl", is_x86_feature_detected!("avx512vl")),
            ("sha-ni", is_x86_feature_detected!("sha")),
            ("avx2", is_x86_feature_detected!("avx2")),
        ];
        for (name, offered) in offered {
            let note = if offered { "tested" } else { "not on this CPU" };
            eprintln!("kernel {name}: {note}");
            assert_eq!(
                names.iter().filter(|found| *found == name).count(),
                usize::from(offered),
                "{name}"
            );
        }
    }
}
