//! Finds the PSK of a key share among many.

use std::array;
use std::sync::Arc;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, CtOption};

use super::hmac::{Hmac, MacKey, padded};
use super::sha256::{Batch, Block, Sha256, Words, words};
use super::{Backend, KEY_LEN, MAC_LEN};
use crate::process::secrets::Locked;
use crate::process::wipe::wipe_stack;

/// PSKs, hashed and ready for searching: as secret as the PSKs themselves, and
/// protected like them. Clones share them.
#[derive(Clone)]
pub struct KeySearch {
    backend: Backend,
    keys: Arc<Locked<MacKey>>,
}

impl KeySearch {
    /// Prepares PSKs, at most as many as an index of 32 bits can count.
    #[must_use]
    pub fn new<'a>(psks: impl ExactSizeIterator<Item = &'a [u8; KEY_LEN]>) -> Self {
        Self::with_backend(Backend::detect(), psks)
    }

    /// As `new`, with this backend. For tests and benchmarks: the results are the same.
    #[must_use]
    pub fn with_backend<'a>(
        backend: Backend,
        psks: impl ExactSizeIterator<Item = &'a [u8; KEY_LEN]>,
    ) -> Self {
        let keys = Locked::build(psks.len(), |keys| set_all(keys, psks));
        wipe_stack();
        Self { backend, keys: Arc::new(keys) }
    }

    /// How many PSKs there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The index of the PSK with
    /// HMAC-SHA-256(HMAC-SHA-256(PSK, `salt`), `value`) = `tag`.
    ///
    /// In constant time: the time depends on the lengths and on the number of PSKs, not
    /// on what they are, whether one matches, or which. All are tried. If several are
    /// equal, the last is found.
    #[must_use]
    pub fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32> {
        let (salt, value) = (padded(salt), padded(value));
        let mut search = Search::new(&self.keys, &salt, &value, tag);
        self.run(&mut search);
        // The keys that were derived, and states of PSKs.
        wipe_stack();
        search.found.into()
    }

    /// Not inlined: what it leaves on the stack must be below its caller.
    #[inline(never)]
    fn run(&self, search: &mut Search) {
        while !search.keys.is_empty() {
            self.backend.run(search.keys.len(), search);
        }
    }
}

/// Not inlined: what it leaves on the stack must be below its caller.
#[inline(never)]
fn set_all<'a>(keys: &mut [MacKey], psks: impl Iterator<Item = &'a [u8; KEY_LEN]>) {
    for (key, psk) in keys.iter_mut().zip(psks) {
        key.set(psk);
    }
}

struct Search<'a> {
    /// The remaining keys.
    keys: &'a [MacKey],
    /// The index of the first of them.
    next: u32,
    /// Padded.
    salt: &'a [Block],
    /// Padded.
    value: &'a [Block],
    tag: Words,
    found: CtOption<u32>,
}

impl<'a> Search<'a> {
    fn new(keys: &'a [MacKey], salt: &'a [Block], value: &'a [Block], tag: &[u8; MAC_LEN]) -> Self {
        let none = CtOption::new(0, Choice::from(0));
        Self { keys, next: 0, salt, value, tag: words(tag), found: none }
    }
}

impl Batch for Search<'_> {
    fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize {
        let Some(last) = self.keys.len().checked_sub(1) else { return 0 };
        // Idle lanes do the last key again.
        let lanes: [usize; N] = array::from_fn(|lane| lane.min(last));
        let mut hmac = Hmac::with_keys(sha256, lanes.map(|index| &self.keys[index]));
        hmac.update([self.salt; N]);
        let mut hmac = Hmac::with_digests(sha256, hmac.finish());
        hmac.update([self.value; N]);
        let tags = sha256.words(hmac.finish());

        let count = self.keys.len().min(N);
        for tag in &tags[..count] {
            let found = CtOption::new(self.next, Choice::from(1));
            self.found.conditional_assign(&found, tag.ct_eq(&self.tag));
            self.next += 1;
        }
        self.keys = &self.keys[count..];
        count
    }
}

#[cfg(test)]
mod tests {
    use ::hmac::{KeyInit, Mac};

    use super::super::backend::each_kernel;
    use super::super::tests::Random;
    use super::*;

    type Psk = [u8; KEY_LEN];

    #[test]
    fn every_backend_finds_each_psk_where_it_is_and_no_other() {
        for backend in Backend::available() {
            for count in (0..=40).chain([100, 257]) {
                let asked = Asked::random(count as u64, 68, 256);
                let psks = psks(count);
                let keys = KeySearch::with_backend(backend, psks.iter());
                let find = |tag: &[u8; MAC_LEN]| keys.find(&asked.salt, &asked.value, tag);
                check(&asked, &psks, &find, &format!("{backend}, {count}"));
            }
        }
    }

    #[test]
    fn every_kernel_finds_each_psk_where_it_is_and_no_other() {
        each_kernel(&mut EachPsk);
    }

    struct EachPsk;

    impl Batch for EachPsk {
        fn run<const N: usize>(&mut self, sha256: impl Sha256<N>) -> usize {
            for count in 0..=40 {
                let asked = Asked::random(count as u64, 84, 32);
                let psks = psks(count);
                let keys = KeySearch::new(psks.iter()).keys;
                let (salt, value) = (padded(&asked.salt), padded(&asked.value));
                let find = |tag: &[u8; MAC_LEN]| {
                    let mut search = Search::new(&keys, &salt, &value, tag);
                    while !search.keys.is_empty() {
                        search.run(sha256);
                    }
                    search.found.into()
                };
                check(&asked, &psks, &find, &format!("{N} lanes, {count}"));
            }
            N
        }
    }

    #[test]
    fn salt_and_value_can_have_any_length() {
        let psks = psks(3);
        for backend in Backend::available() {
            let keys = KeySearch::with_backend(backend, psks.iter());
            for len in 0..=200 {
                for (salt, value) in [(len, 32), (84, len)] {
                    let asked = Asked::random(len as u64, salt, value);
                    let found = keys.find(&asked.salt, &asked.value, &asked.tag(&psks[1]));
                    assert_eq!(found, Some(1), "{backend}: {salt}, {value}");
                }
            }
        }
    }

    #[test]
    fn the_last_of_equal_psks_is_found() {
        let psks = [[1; KEY_LEN], [2; KEY_LEN], [1; KEY_LEN], [3; KEY_LEN]];
        let asked = Asked::random(1, 68, 256);
        for backend in Backend::available() {
            let keys = KeySearch::with_backend(backend, psks.iter());
            assert_eq!(keys.find(&asked.salt, &asked.value, &asked.tag(&psks[0])), Some(2));
        }
    }

    fn check(
        asked: &Asked,
        psks: &[Psk],
        find: &dyn Fn(&[u8; MAC_LEN]) -> Option<u32>,
        context: &str,
    ) {
        let mut random = Random(psks.len() as u64);
        for (index, psk) in (0..).zip(psks) {
            let mut tag = asked.tag(psk);
            assert_eq!(find(&tag), Some(index), "{context}");
            // A near miss: one wrong bit, anywhere.
            tag[random.below(MAC_LEN)] ^= 1 << random.below(8);
            assert_eq!(find(&tag), None, "{context}");
        }
        assert_eq!(find(&asked.tag(&[0xff; KEY_LEN])), None, "{context}");
    }

    fn psks(count: usize) -> Vec<Psk> {
        let mut random = Random(5);
        (0..count).map(|_| random.bytes()).collect()
    }

    struct Asked {
        salt: Vec<u8>,
        value: Vec<u8>,
    }

    impl Asked {
        fn random(seed: u64, salt: usize, value: usize) -> Self {
            let mut random = Random(seed);
            let mut bytes = |len| (0..len).map(|_| random.bytes::<1>()[0]).collect();
            Self { salt: bytes(salt), value: bytes(value) }
        }

        /// With the stock crates, and nothing else.
        fn tag(&self, psk: &Psk) -> [u8; MAC_LEN] {
            let hmac = |key: &[u8], message: &[u8]| -> [u8; MAC_LEN] {
                let hmac = ::hmac::Hmac::<sha2::Sha256>::new_from_slice(key);
                hmac.expect("any length").chain_update(message).finalize().into_bytes().into()
            };
            hmac(&hmac(psk, &self.salt), &self.value)
        }
    }
}
