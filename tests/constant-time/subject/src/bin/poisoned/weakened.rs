//! What must be reported: code that is not constant time. A check that stays
//! silent on these checks nothing.

use std::hint::black_box;

use crate::memcheck::poison;

/// Each of them once. `verdicts.rs` of the checks has their names.
pub(crate) fn run() {
    let mut secret = [7; 32];
    poison(&mut secret);
    black_box(early_exit(&secret, black_box(&[7; 32])));
    black_box(table_lookup(&secret));
}

/// A MAC comparison that stops at the first byte that differs.
#[inline(never)]
fn early_exit(mac: &[u8; 32], received: &[u8; 32]) -> bool {
    for (byte, other) in mac.iter().zip(received) {
        if black_box(byte) != other {
            return false;
        }
    }
    true
}

/// The entry of a table at a secret index.
#[inline(never)]
fn table_lookup(secret: &[u8; 32]) -> u8 {
    let table: [u8; 256] = black_box([1; 256]);
    table[usize::from(secret[0])]
}
