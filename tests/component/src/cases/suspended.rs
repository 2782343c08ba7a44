//! Sessions that go on elsewhere; and the end of packet numbers, which only a
//! state made by hand reaches.

use spiped_core::{ForwardSecrecy, PACKET_LEN, Side};
use spiped_tests::wire::{Direction, one, psk};

use super::Case;
use super::end::{End, established, ingredients, peer_of, secret};
use crate::Call;
use crate::transcript::SIDES;

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let moved = [moved(name, *side, 0), moved(name, *side, 500)];
        let moved = moved.into_iter().flatten();
        moved.chain(half_closed(name, *side)).chain(exhausted(name, *side))
    });
    cases.chain([which_secret()]).chain(no_states()).collect()
}

/// Both halves of a session's life: suspended after part of a packet, and
/// resumed.
fn moved(name: &str, side: Side, cut: usize) -> [Case; 2] {
    let (mut end, mut packets) = established(side);
    end.say("before");
    let stream = [packets.packet(b"before"), packets.packet(b"after")].concat();
    end.receive(&stream[..PACKET_LEN + cut]);
    let state = end.suspend();
    end.calls([Call::PeerSecret, Call::Plain(b"more".into()), Call::Suspend]);
    let about = format!("Suspended after {cut} bytes of a packet.");
    let suspended = end.case(format!("suspend-{cut}-{name}"), about);

    let mut end = End::resume(&state);
    end.call(Call::PeerSecret);
    end.receive(&stream[PACKET_LEN + cut..]);
    end.say("after");
    end.calls([Call::PlainEof, Call::CryptEof]);
    let about = format!("Resumed after {cut} bytes of a packet.");
    [suspended, end.case(format!("resume-{cut}-{name}"), about)]
}

/// A state remembers which sides have ended.
fn half_closed(name: &str, side: Side) -> Vec<Case> {
    let ends = [
        ("plain", Call::PlainEof, Call::Plain(b"more".into())),
        ("crypt", Call::CryptEof, Call::Crypt(b"more".into())),
    ];
    let cases = ends.map(|(ended, eof, more)| {
        let (mut end, _) = established(side);
        end.call(eof);
        let mut end = End::resume(&end.suspend());
        end.call(more);
        let about = format!("Resumed after the {ended} side had ended.");
        end.case(format!("resume-ended-{ended}-{name}"), about)
    });
    cases.into()
}

/// The number 2^64 - 1 is never used.
fn exhausted(name: &str, side: Side) -> Vec<Case> {
    let last = u64::MAX - 1;
    let (mut end, mut packets) = established(side);
    let mut state = end.suspend();
    state[SEALING_NUMBER..][..8].copy_from_slice(&last.to_be_bytes());
    state[OPENING_NUMBER..][..8].copy_from_slice(&last.to_be_bytes());
    packets.number = last;

    let packet = packets.packet(b"the last").to_vec();
    let another = || vec![0; PACKET_LEN];
    let run = [packet.clone(), another()].concat();
    let lives = [
        ("exhausted-open", vec![Call::Crypt(packet), Call::Crypt(another())], "opened, one by one"),
        ("exhausted-open-batch", vec![Call::Crypt(run)], "opened together"),
        ("exhausted-seal", vec![Call::Plain(b"last".into()); 2], "sealed, one by one"),
        ("exhausted-seal-batch", vec![Call::Plain(vec![b'x'; 1025])], "sealed together"),
    ];
    let cases = lives.into_iter().map(|(what, calls, about)| {
        let mut end = End::resume(&state);
        end.calls(calls);
        end.case(format!("{what}-{name}"), format!("The last packet and one too many, {about}."))
    });
    let mut forged = End::resume(&state);
    forged.receive(another());
    let about = "The last packet there can be is forged.";
    cases.chain([forged.case(format!("forged-last-number-{name}"), about)]).collect()
}

/// Offsets in a state, version 1.
const SEALING_NUMBER: usize = 70;
const OPENING_NUMBER: usize = 142;

/// A state remembers which of several secrets the peer holds.
fn which_secret() -> Case {
    let accepted = [psk(b"first"), secret()];
    let mut end = End::start_of(ingredients(Side::Server, ForwardSecrecy::Omit, &accepted));
    let peer = peer_of(Side::Server);
    end.receive(peer.handshake(&one()));
    let mut end = End::resume(&end.suspend());
    end.call(Call::PeerSecret);
    let mut packets: Direction = peer.packets(&one());
    end.receive(packets.packet(b"hello"));
    end.case("resume-secrets-server", "Resumed; the peer holds the second of two secrets.")
}

/// What is given to `resume`, but never came from `suspend`.
fn no_states() -> Vec<Case> {
    let state = established(Side::Client).0.suspend();
    let with = |at: usize, value: u8| {
        let mut state = state.clone();
        state[at] = value;
        state
    };
    let states = [
        ("empty", Vec::new(), "Nothing at all."),
        ("short", state[..state.len() - 1].to_vec(), "A state without its last byte."),
        ("long", [&state[..], &[0; PACKET_LEN]].concat(), "A state with a whole packet."),
        ("version-0", with(0, 0), "A state of version 0."),
        ("version-2", with(0, 2), "A state of version 2."),
        ("ends", with(1, 16), "A state in which an unknown side has ended."),
        ("end-mark", with(1, 8), "A state without end marks in which one has come."),
        ("cut-off", with(1, 4 | 2), "A state that has ended without its end mark."),
        ("cut-packet", [&with(1, 2)[..], b"x"].concat(), "A state that has ended in a packet."),
        (
            "past-the-end",
            [&with(1, 4 | 8)[..], b"x"].concat(),
            "A state with a byte after the end mark.",
        ),
    ];
    let cases = states.map(|(what, state, about)| {
        let mut end = End::resume(&state);
        end.calls([Call::PeerSecret, Call::Plain(b"x".into()), Call::Start, Call::Suspend]);
        end.case(format!("bad-state-{what}"), about)
    });
    cases.into()
}
