//! The imports of the native world: bulk cryptography.
//!
//! [`Direction`] seals and opens packets. The WIT package specifies their layout
//! (`interface packet-crypto`): 1028 bytes under AES-256-CTR, then HMAC-SHA-256 over
//! them and the packet number. [`KeySearch`] finds the PSK of a key share.
//!
//! The packets of a run are independent and equally long, and so are the messages of a
//! search. So several are hashed in parallel, because hashing takes most of the time.
//! Everything that depends on the CPU is in [`Backend`].
//!
//! Secrets are expanded in place, in one allocation that is wiped on drop.

mod aes_ctr;
mod backend;
mod hmac;
mod key_search;
#[cfg(any(target_arch = "x86_64", test))]
#[allow(clippy::inline_always, reason = "must end up where the vectors' feature is enabled")]
mod keystream;
#[cfg(any(target_arch = "x86_64", test))]
#[allow(clippy::inline_always, reason = "must end up where the vectors' feature is enabled")]
mod lanes;
mod sha256;
#[cfg(all(test, target_os = "linux"))]
mod stack_tests;
mod tags;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector intrinsics need a CPU feature, and raw loads")]
mod x86;

use subtle::{Choice, ConstantTimeEq};

use self::aes_ctr::Cipher;
pub use self::backend::Backend;
use self::hmac::MacKey;
pub use self::key_search::KeySearch;
use self::tags::{Tag, Tags};
use crate::process::wipe::{wipe_stack, wipe_stack_of};

/// Length of a packet, in bytes.
pub const PACKET_LEN: usize = BODY_LEN + MAC_LEN;

/// The encrypted part of a packet: the message, and 4 bytes for its length.
pub(crate) const BODY_LEN: usize = PLAIN_MAX + 4;
/// The most that a message has.
pub(crate) const PLAIN_MAX: usize = 1024;
pub(crate) const MAC_LEN: usize = 32;
const KEY_LEN: usize = 32;

/// As many packets as one pass encrypts and then hashes. As many as any
/// backend hashes at once, and few enough to stay in the first-level cache.
const GROUP_LEN: usize = 16;

/// More than sealing or opening a run needs of the stack: up to 9 KiB. Every
/// backend leaves keys there: the ciphers have more of them than registers, and
/// the hashes move states. To wipe it takes 0.6 % of the time for 64 packets.
const FRAMES_LEN: usize = 16 * 1024;

type Packet = [u8; PACKET_LEN];

/// One direction's keys, expanded. Wiped on drop.
pub struct Direction {
    backend: Backend,
    keys: Box<Keys>,
}

struct Keys {
    cipher: Cipher,
    mac: MacKey,
}

impl Direction {
    /// `None` unless both keys are 32 bytes long.
    #[must_use]
    pub fn new(cipher_key: &[u8], mac_key: &[u8]) -> Option<Self> {
        Self::with_backend(Backend::detect(), cipher_key, mac_key)
    }

    /// As `new`, in a certain way. For tests and benchmarks: what comes out is
    /// the same.
    #[must_use]
    pub fn with_backend(backend: Backend, cipher_key: &[u8], mac_key: &[u8]) -> Option<Self> {
        let (cipher_key, mac_key) = (cipher_key.try_into().ok()?, mac_key.try_into().ok()?);
        let blank = Keys { cipher: backend.blank_cipher(), mac: MacKey::blank() };
        let mut keys = Box::new(blank);
        keys.set(cipher_key, mac_key);
        wipe_stack();
        Some(Self { backend, keys })
    }

    /// Encrypts a run of packets in place and fills in their MACs. `first` is
    /// the number of the first, and none may pass the last number there is.
    pub fn seal(&self, first: u64, run: &mut [u8]) {
        self.seal_run(first, run);
        wipe_stack_of::<FRAMES_LEN>();
    }

    /// Decrypts in place the packets of a run up to the first whose MAC does
    /// not verify, and returns their length in bytes.
    pub fn open(&self, first: u64, run: &mut [u8]) -> usize {
        let authentic = self.open_run(first, run);
        wipe_stack_of::<FRAMES_LEN>();
        authentic
    }

    /// Not inlined: what it leaves on the stack must be below its caller.
    #[inline(never)]
    fn seal_run(&self, first: u64, run: &mut [u8]) {
        for (group, first) in groups(first, run) {
            self.keys.cipher.apply_keystream(first, group);
            let tags = self.tags(first, group);
            for (packet, tag) in group.iter_mut().zip(tags) {
                packet[BODY_LEN..].copy_from_slice(&tag);
            }
        }
    }

    /// Not inlined: what it leaves on the stack must be below its caller.
    #[inline(never)]
    fn open_run(&self, first: u64, run: &mut [u8]) -> usize {
        let mut authentic = 0;
        for (group, first) in groups(first, run) {
            let tags = self.tags(first, group);
            let verified =
                group.iter().zip(tags).take_while(|(packet, tag)| verifies(packet, tag)).count();
            self.keys.cipher.apply_keystream(first, &mut group[..verified]);
            authentic += verified * PACKET_LEN;
            if verified < group.len() {
                break;
            }
        }
        authentic
    }

    /// The MACs of at most `GROUP_LEN` packets.
    fn tags(&self, first: u64, packets: &[Packet]) -> [Tag; GROUP_LEN] {
        let mut tags = [[0; MAC_LEN]; GROUP_LEN];
        let mut done = 0;
        while done < packets.len() {
            let first = first + done as u64;
            let (packets, into) = (&packets[done..], &mut tags[done..]);
            let mut batch = Tags { key: &self.keys.mac, first, packets, into };
            done += self.backend.run(packets.len(), &mut batch);
        }
        tags
    }
}

impl Keys {
    /// Not inlined: what it leaves on the stack must be below its caller.
    #[inline(never)]
    fn set(&mut self, cipher_key: &[u8; KEY_LEN], mac_key: &[u8; KEY_LEN]) {
        self.cipher.set(cipher_key);
        self.mac.set(mac_key);
    }
}

/// Cuts a run into groups, each with the number of its first packet.
fn groups(first: u64, run: &mut [u8]) -> impl Iterator<Item = (&mut [Packet], u64)> {
    let (packets, _) = run.as_chunks_mut();
    packets.chunks_mut(GROUP_LEN).zip((first..).step_by(GROUP_LEN))
}

/// In constant time, and by large words: byte by byte takes 9 % of all.
fn verifies(packet: &Packet, tag: &Tag) -> bool {
    let (tag, _) = tag.as_chunks();
    let (mac, _) = packet[BODY_LEN..].as_chunks();
    let same = tag.iter().zip(mac).fold(Choice::from(1), |same, (tag, mac)| {
        same & u128::from_ne_bytes(*tag).ct_eq(&u128::from_ne_bytes(*mac))
    });
    same.into()
}
