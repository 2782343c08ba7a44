//! Packets: sizes, splits, and what can be wrong with one.

use spiped_core::{PACKET_LEN, PLAIN_MAX, Side};

use super::Case;
use super::party::{Party, established};
use crate::Call;
use crate::transcript::SIDES;

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let groups = [sizes(name, *side), splits(name, *side), forged(name, *side)];
        groups.into_iter().flatten().chain(authentic(name, *side))
    });
    cases.collect()
}

/// The most plaintext in a batch.
const BATCH: usize = 65536;

fn sizes(name: &str, side: Side) -> Vec<Case> {
    let sealed = [0, 1, 1023, 1024, 1025, BATCH, BATCH + 1].map(|size| {
        let (mut end, _) = established(side);
        end.say(vec![b's'; size]);
        end.say("more");
        end.case(format!("seal-{size}-{name}"), format!("Plaintext of {size} bytes."))
    });
    // A batch is long in hexadecimal: once is enough.
    let batch = (side == Side::Server).then_some(BATCH);
    let opened = [1, 1023, 1024, 1025].into_iter().chain(batch);
    sealed.into_iter().chain(opened.map(|size| open(name, side, size))).collect()
}

fn open(name: &str, side: Side, size: usize) -> Case {
    let (mut end, mut packets) = established(side);
    let plain = vec![b'o'; size];
    let stream: Vec<u8> = plain.chunks(PLAIN_MAX).flat_map(|part| packets.packet(part)).collect();
    end.receive(stream);
    end.case(format!("open-{size}-{name}"), format!("Packets with {size} bytes, in one read."))
}

fn splits(name: &str, side: Side) -> Vec<Case> {
    let (mut bytewise, mut packets) = established(side);
    packets.packet(b"one byte at a time").chunks(1).for_each(|byte| bytewise.receive(byte));

    let (mut together, mut packets) = established(side);
    together.receive([packets.packet(b"first "), packets.packet(b"second ")].concat());
    together.receive(packets.packet(b"third"));

    let (mut across, mut packets) = established(side);
    let stream = ["first ", "second ", "third"].map(|text| packets.packet(text.as_bytes()));
    let stream = stream.concat();
    for part in [0..1059, 1059..1061, 1061..2620, 2620..3180] {
        across.receive(&stream[part]);
    }

    let (mut empty, mut packets) = established(side);
    empty.receive([]);
    empty.receive(&packets.packet(b"read")[..PACKET_LEN]);
    empty.receive([]);

    vec![
        bytewise.case(format!("packet-bytewise-{name}"), "A packet, one byte at a time."),
        together.case(format!("packets-together-{name}"), "Two packets in one read, then one."),
        across.case(format!("packets-across-{name}"), "Reads that do not respect packets."),
        empty.case(format!("packets-empty-reads-{name}"), "Reads of nothing change nothing."),
    ]
}

/// Packets that no holder of the keys made so. Good ones around them come in
/// the same read: those before are delivered.
fn forged(name: &str, side: Side) -> Vec<Case> {
    let good = || {
        let (end, mut packets) = established(side);
        let stream = ["one", "two", "three"].map(|text| packets.packet(text.as_bytes()));
        (end, stream)
    };
    let flipped = [
        ("first", 0, 0, "A bit of the first of three packets was changed on the way."),
        ("middle", 1, 1023, "A bit of the second of three packets was changed on the way."),
        ("last", 2, 1027, "A bit of the last of three packets was changed on the way."),
        ("mac", 1, 1059, "A bit of a packet's MAC was changed on the way."),
    ];
    let flipped = flipped.map(|(what, packet, byte, about)| {
        let (end, mut stream) = good();
        stream[packet][byte] ^= 0x80;
        (what, end, stream.concat(), about)
    });
    let moved: [(_, &[usize], _); 4] = [
        ("repeated", &[0, 1, 1], "A packet comes twice."),
        ("swapped", &[1, 0], "Two packets have changed places."),
        ("missing", &[0, 2], "A packet was left out."),
        ("beginning", &[2], "All but the last packet were left out."),
    ];
    let moved = moved.map(|(what, order, about)| {
        let (end, stream) = good();
        let stream: Vec<u8> = order.iter().flat_map(|&packet| stream[packet]).collect();
        (what, end, stream, about)
    });
    let (mut end, _) = good();
    end.say("echo");
    let echo = end.take_sent();
    let reflected = ("reflected", end, echo, "Our own packet comes back.");

    let cases = flipped.into_iter().chain(moved).chain([reflected]);
    let cases = cases.map(|(what, mut end, stream, about)| {
        end.receive(stream);
        after_the_end(&mut end);
        end.case(format!("forged-{what}-{name}"), about)
    });
    cases.collect()
}

/// The first failure is final: every call returns it again.
fn after_the_end(end: &mut Party) {
    end.calls([Call::Crypt(vec![0; PACKET_LEN]), Call::Plain(b"more".into())]);
    end.calls([Call::Compute, Call::CryptEof, Call::PlainEof, Call::Start]);
    end.calls([Call::PskId, Call::Suspend]);
}

/// What only a holder of the keys can send.
fn authentic(name: &str, side: Side) -> Vec<Case> {
    let lengths = [0, 1025, u32::MAX].map(|length| {
        let (mut end, mut packets) = established(side);
        let stream = [packets.packet(b"good"), packets.packet_declaring(length, b"bad")];
        end.receive([&stream.concat()[..], &packets.packet(b"too late")].concat());
        end.say("more");
        let about = format!("The second packet, authentic, declares {length} bytes.");
        end.case(format!("bad-length-{length}-{name}"), about)
    });

    let (mut end, mut packets) = established(side);
    let mut packet = [0xaa; PACKET_LEN];
    packet[..6].copy_from_slice(b"padded");
    packet[PLAIN_MAX..PLAIN_MAX + 4].copy_from_slice(&6_u32.to_be_bytes());
    packets.seal(&mut packet);
    end.receive(packet);
    let padding = end.case(format!("padding-{name}"), "Padding that is not zero is not looked at.");
    lengths.into_iter().chain([padding]).collect()
}
