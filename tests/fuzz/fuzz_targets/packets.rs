//! The same packets in both implementations of the crate's packet cryptography.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use spiped_core::{
    DirectionKeys, PACKET_LEN, PacketCrypto, ParallelPacketCrypto, RUN_MAX, Secret,
    SoftPacketCrypto,
};

#[derive(Arbitrary, Debug)]
struct Packets<'a> {
    keys: [[u8; 32]; 2],
    first: u64,
    count: u8,
    /// Repeated in all of them.
    bytes: &'a [u8],
    /// Where a bit is changed before they are opened, if it is one of theirs.
    tampered: u32,
}

fuzz_target!(|packets: Packets<'_>| {
    let [cipher, mac] = packets.keys.map(|key| Secret::copy_of(&key));
    let keys = DirectionKeys { cipher, mac };
    let count = usize::from(packets.count) % (RUN_MAX + 1);
    let first = packets.first.min(u64::MAX - RUN_MAX as u64);
    let mut run: Vec<u8> =
        packets.bytes.iter().copied().chain([0]).cycle().take(count * PACKET_LEN).collect();
    let mut parallel = run.clone();

    SoftPacketCrypto::new(&keys).seal(first, &mut run);
    ParallelPacketCrypto::new(&keys).seal(first, &mut parallel);
    assert!(run == parallel, "sealed");

    for run in [&mut run, &mut parallel] {
        if let Some(byte) = run.get_mut(packets.tampered as usize) {
            *byte ^= 1;
        }
    }
    SoftPacketCrypto::new(&keys).open(first, &mut run);
    ParallelPacketCrypto::new(&keys).open(first, &mut parallel);
    assert!(run == parallel, "opened");
});
