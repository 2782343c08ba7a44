//! That no key stays on the stack: of what was set up, and of what was done
//! with it.

use std::fmt::Write;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use ::hmac::{KeyInit, Mac};
use sha2::block_api::compress256;

use super::sha256::{BLOCK_LEN, INITIAL, Words};
use super::tests::Random;
use super::*;

/// How much of the stack is searched. More than all that is called here uses.
const AREA: usize = 64 * 1024;

/// What is called is this far below: what reads the stack afterwards needs some
/// of it.
const MARGIN: usize = 8 * 1024;

type Needle = [u8; 16];

#[test]
fn the_search_finds_what_is_there() {
    let round_key: Needle = Random(1).bytes();
    let leave = || {
        black_box([round_key; 8]);
    };
    assert!(!left_on_stack(&[round_key], leave).is_empty());
    assert!(left_on_stack(&[round_key], || {}).is_empty());
}

#[test]
fn setting_up_a_direction_leaves_no_key_on_the_stack() {
    for backend in Backend::available() {
        let direction = direction(backend);
        let needles = needles_of(&direction);
        let found = left_on_stack(&needles, || {
            black_box(self::direction(backend));
        });
        assert!(found.is_empty(), "{backend}: {found:?}");
    }
}

#[test]
fn sealing_and_opening_leave_no_key_on_the_stack() {
    let mut report = String::new();
    for backend in Backend::available() {
        let direction = direction(backend);
        let needles = needles_of(&direction);
        for count in [1, 2, 4, 13, 16, 64] {
            let mut run = vec![1; count * PACKET_LEN];
            let sealing = left_on_stack(&needles, || direction.seal(7, &mut run));
            let opening = left_on_stack(&needles, || {
                assert_eq!(direction.open(7, &mut run), run.len());
            });
            for (found, what) in [(sealing, "sealing"), (opening, "opening")] {
                if !found.is_empty() {
                    let found = &found[..found.len().min(8)];
                    writeln!(report, "{backend}, {what} {count}: {found:?}").expect("a string");
                }
            }
        }
    }
    assert!(report.is_empty(), "below the caller, and which needle:\n{report}");
}

#[test]
fn key_search_leaves_no_psk_and_no_derived_key_on_the_stack() {
    let psks: [[u8; KEY_LEN]; 33] = std::array::from_fn(|i| Random(i as u64).bytes());
    let (salt, value) = ([2; 68], [3; 256]);
    let derived: Vec<_> = psks
        .iter()
        .map(|psk| {
            let mac = ::hmac::Hmac::<sha2::Sha256>::new_from_slice(psk).expect("any length");
            let digest = mac.chain_update(salt).finalize().into_bytes();
            sha256::words(&digest.into())
        })
        .collect();
    let mut needles: Vec<_> = psks.iter().flat_map(forms_of_key).collect();
    needles.extend(derived.iter().flat_map(forms_of_words));
    // Lanes: the same word of several keys.
    for keys in derived.windows(4) {
        needles.extend((0..8).map(|word| ne_bytes([0, 1, 2, 3].map(|key| keys[key][word]))));
    }
    for backend in Backend::available() {
        let found = left_on_stack(&needles, || {
            let keys = KeySearch::with_backend(backend, psks.iter());
            assert!(keys.find(&salt, &value, &[0; MAC_LEN]).is_none());
        });
        assert!(found.is_empty(), "{backend}: {found:?}");
    }
}

const CIPHER_KEY: [u8; KEY_LEN] = *b"what nobody must find, as itself";
const MAC_KEY: [u8; KEY_LEN] = *b"or as what the hash makes of it.";

fn direction(backend: Backend) -> Direction {
    Direction::with_backend(backend, &CIPHER_KEY, &MAC_KEY).expect("right lengths")
}

/// Where the search looks for what.
fn needles_of(direction: &Direction) -> Vec<Needle> {
    let mut expanded = vec![0; size_of::<Keys>()];
    read_memory(std::ptr::from_ref(&*direction.keys).addr(), &mut expanded);
    let (expanded, _) = expanded.as_chunks();
    let halves = CIPHER_KEY.as_chunks().0.iter();
    let mut needles: Vec<Needle> = expanded.iter().chain(halves).copied().collect();
    // What is not a key: the rest of what the longest cipher needs.
    needles.retain(|needle| needle.iter().map(|byte| u32::from(*byte == 0)).sum::<u32>() < 8);
    needles.extend(forms_of_key(&MAC_KEY));
    needles
}

/// A key of HMAC, in every form that it is worked with.
fn forms_of_key(key: &[u8; KEY_LEN]) -> Vec<Needle> {
    let mut needles = Vec::new();
    for mask in [0, 0x36, 0x5c] {
        let masked = key.map(|byte| byte ^ mask);
        needles.extend_from_slice(masked.as_chunks().0);
        needles.extend(forms_of_words(&sha256::words(&masked)));
        let mut block = [mask; BLOCK_LEN];
        block[..KEY_LEN].copy_from_slice(&masked);
        let mut state = INITIAL;
        compress256(&mut state, &[block]);
        if mask != 0 {
            needles.extend(forms_of_words(&state));
        }
    }
    needles
}

/// In order, as the CPU's own instructions want them, and in every lane.
fn forms_of_words(words: &Words) -> Vec<Needle> {
    let orders = [[0, 1, 2, 3], [4, 5, 6, 7], [5, 4, 1, 0], [7, 6, 3, 2]];
    let orders = orders.map(|order| order.map(|i: usize| words[i]));
    let lanes = words.map(|word| [word; 4]);
    orders.into_iter().chain(lanes).map(ne_bytes).collect()
}

fn ne_bytes(words: [u32; 4]) -> Needle {
    let mut bytes = [0; 16];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_ne_bytes();
    }
    bytes
}

/// Does some work, and returns how far below the caller which needle is then,
/// by its index.
#[inline(never)]
fn left_on_stack(needles: &[Needle], work: impl FnOnce()) -> Vec<(usize, usize)> {
    let here = 0_u8;
    // Aligned, as what is looked for is.
    let end = std::ptr::from_ref(black_box(&here)).addr() & !15;
    let mut below = vec![0; AREA];
    zeroize::zeroize_stack::<AREA>();
    deeper(work);
    read_memory(end - AREA, &mut below);
    let mut found = Vec::new();
    for (offset, window) in below.windows(size_of::<Needle>()).enumerate().step_by(4) {
        if let Some(index) = needles.iter().position(|needle| needle == window) {
            found.push((AREA - offset, index));
        }
    }
    found
}

#[inline(never)]
fn deeper(work: impl FnOnce()) {
    let margin = [0_u8; MARGIN];
    black_box(&margin);
    work();
    black_box(&margin);
}

fn read_memory(address: usize, bytes: &mut [u8]) {
    let memory = File::open("/proc/self/mem").expect("the process's own memory");
    memory.read_exact_at(bytes, address as u64).expect("memory that is there");
}
