use ::hmac::{Hmac, KeyInit, Mac};
use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use sha2::Sha256;

use super::*;

#[test]
fn keys_of_another_length_are_refused() {
    for (cipher, mac) in [(31, 32), (33, 32), (32, 31), (32, 33), (0, 0)] {
        for backend in Backend::available() {
            let (cipher, mac) = (vec![0; cipher], vec![0; mac]);
            assert!(Direction::with_backend(backend, &cipher, &mac).is_none());
        }
    }
}

#[test]
fn every_backend_does_as_the_stock_crates_do() {
    let mut random = Random(1);
    for count in 0..=64 {
        let keys = Keys::random(&mut random);
        let plain = random.run(count);
        // The last of them is as high as a run of this length allows.
        for first in [0, random.next() >> 1, u64::MAX - count as u64] {
            let sealed = keys.sealed(first, &plain);
            for backend in Backend::available() {
                let direction = keys.direction(backend);
                let mut run = plain.clone();
                direction.seal(first, &mut run);
                assert!(run == sealed, "{backend}: sealing {count} from {first}");
                assert_eq!(direction.open(first, &mut run), run.len());
                assert!(bodies(&run).eq(bodies(&plain)), "{backend}: opening {count} from {first}");
            }
        }
    }
}

#[test]
fn open_stops_at_a_forgery_wherever_it_is() {
    let mut random = Random(3);
    let keys = Keys::random(&mut random);
    for backend in Backend::available() {
        let direction = keys.direction(backend);
        for count in [1, 2, 3, 4, 5, 8, 13, 16, 17, 31, 64] {
            let plain = random.run(count);
            let sealed = keys.sealed(9, &plain);
            for forged in 0..count {
                let mut run = sealed.clone();
                let byte = random.below(PACKET_LEN);
                run[forged * PACKET_LEN + byte] ^= 1 << random.below(8);
                // A second one changes nothing.
                let again = forged + random.below(count - forged);
                run[again * PACKET_LEN + (byte + 1) % PACKET_LEN] ^= 1;
                let opened = direction.open(9, &mut run);
                assert_eq!(opened, forged * PACKET_LEN, "{backend}, {count}");
                assert!(bodies(&run[..opened]).eq(bodies(&plain[..opened])), "{backend}");
            }
        }
    }
}

#[test]
fn every_byte_of_a_packet_is_authenticated() {
    let mut random = Random(4);
    let keys = Keys::random(&mut random);
    let count = 16;
    let sealed = keys.sealed(0, &random.run(count));
    for backend in Backend::available() {
        let direction = keys.direction(backend);
        for byte in 0..PACKET_LEN {
            let mut run = sealed.clone();
            let forged = random.below(count);
            run[forged * PACKET_LEN + byte] ^= 1 << random.below(8);
            assert_eq!(direction.open(0, &mut run), forged * PACKET_LEN, "{backend}, {byte}");
        }
    }
}

#[test]
fn a_packet_is_bound_to_its_number() {
    for backend in Backend::available() {
        let direction =
            Direction::with_backend(backend, &[1; 32], &[2; 32]).expect("right lengths");
        let mut run = vec![0; PACKET_LEN];
        direction.seal(4, &mut run);
        assert_eq!(direction.open(5, &mut run), 0);
        assert_eq!(direction.open(4, &mut run), PACKET_LEN);
    }
}

/// Many idle connections hold two.
#[test]
fn a_direction_is_small() {
    assert!(size_of::<Direction>() + size_of::<super::Keys>() < 512);
}

fn bodies(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    run.as_chunks::<PACKET_LEN>().0.iter().map(|packet| &packet[..BODY_LEN])
}

pub(super) struct Keys {
    pub(super) cipher: [u8; KEY_LEN],
    pub(super) mac: [u8; KEY_LEN],
}

impl Keys {
    pub(super) fn random(random: &mut Random) -> Self {
        Self { cipher: random.bytes(), mac: random.bytes() }
    }

    fn direction(&self, backend: Backend) -> Direction {
        Direction::with_backend(backend, &self.cipher, &self.mac).expect("right lengths")
    }

    /// With the stock crates, and nothing else.
    pub(super) fn sealed(&self, first: u64, plain: &[u8]) -> Vec<u8> {
        let mut run = plain.to_vec();
        for (packet, number) in run.chunks_exact_mut(PACKET_LEN).zip(first..) {
            let (body, mac) = packet.split_at_mut(BODY_LEN);
            let counter = (u128::from(number) << 64).to_be_bytes();
            Ctr128BE::<Aes256>::new(&self.cipher.into(), &counter.into()).apply_keystream(body);
            let tag = Hmac::<Sha256>::new_from_slice(&self.mac)
                .expect("any length")
                .chain_update(body)
                .chain_update(number.to_be_bytes())
                .finalize();
            mac.copy_from_slice(&tag.into_bytes());
        }
        run
    }
}

/// `SplitMix64`: the same numbers every time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }

    pub(super) fn run(&mut self, count: usize) -> Vec<u8> {
        (0..count).flat_map(|_| self.bytes::<PACKET_LEN>()).collect()
    }
}
