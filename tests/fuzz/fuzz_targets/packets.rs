//! The same packets in both implementations of the crate's packet cryptography.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use spiped_core::{
    Bodies, DirectionKeys, PLAIN_MAX, PacketCrypto, Packets, ParallelPacketCrypto, RUN_MAX, Secret,
    SoftPacketCrypto,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    keys: [[u8; 32]; 2],
    first: u64,
    count: u8,
    /// Repeated in all of them.
    bytes: &'a [u8],
    /// Where a bit is changed before they are opened, if it is one of theirs.
    tampered: u32,
}

fuzz_target!(|input: Input<'_>| {
    let [cipher, mac] = input.keys.map(|key| Secret::copy_of(&key));
    let keys = DirectionKeys { cipher, mac };
    let mut soft = SoftPacketCrypto::new(&keys);
    let mut parallel = ParallelPacketCrypto::new(&keys);
    let count = usize::from(input.count) % RUN_MAX + 1;
    let first = input.first.min(u64::MAX - RUN_MAX as u64);
    let bytes = input.bytes.iter().copied().chain([0]).cycle();
    let messages: Vec<u8> = bytes.take(count * PLAIN_MAX).collect();
    let trailer = messages.first_chunk().expect("more than that");

    let bodies = Bodies { messages: &messages, trailer, last_trailer: trailer };
    let (mut run, mut same) = (Vec::new(), Vec::new());
    soft.seal(first, bodies, &mut run);
    parallel.seal(first, bodies, &mut same);
    assert!(run == same, "sealed");

    if let Some(byte) = run.get_mut(input.tampered as usize) {
        *byte ^= 1;
    }
    let packets = Packets { head: &[], rest: &run };
    let (lengths, same) = (soft.open(first, packets), parallel.open(first, packets));
    assert_eq!(lengths, same);
    // They are whatever the trailer says.
    let most = u32::try_from(PLAIN_MAX).expect("it is 1024");
    let lengths: Vec<u32> = lengths.iter().map(|length| *length.min(&most)).collect();
    let (mut plain, mut same) = (Vec::new(), Vec::new());
    soft.deliver(&lengths, &mut plain);
    parallel.deliver(&lengths, &mut same);
    assert!(plain == same, "opened");
});
