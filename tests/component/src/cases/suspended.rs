//! Sessions that go on elsewhere; and the end of packet numbers, which only a
//! state made by hand reaches.

use spiped_core::{ForwardSecrecy, PACKET_LEN, ServerConfig, Side};
use spiped_tests::wire::{Direction, one, psk};

use super::Case;
use super::party::{Party, established, peer_of, secret};
use super::state::{
    CRYPT_ENDED, END_MARK_RECEIVED, FLAGS, OLDEST_READER, OPENING_NUMBER, SEALING_NUMBER, State,
    VERSION, X25519,
};
use crate::Call;
use crate::transcript::SIDES;

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let moved = [moved(name, *side, 0), moved(name, *side, 500)];
        let moved = moved.into_iter().flatten();
        moved.chain(half_closed(name, *side)).chain(exhausted(name, *side))
    });
    cases.chain([which_psk(), later_version()]).chain(no_states()).collect()
}

/// Both halves of a session's life: suspended after part of a packet, and
/// resumed.
fn moved(name: &str, side: Side, cut: usize) -> [Case; 2] {
    let (mut end, mut packets) = established(side);
    end.say("before");
    let stream = [packets.packet(b"before"), packets.packet(b"after")].concat();
    end.receive(&stream[..PACKET_LEN + cut]);
    let state = end.suspend();
    end.calls([Call::PskId, Call::Plain(b"more".into()), Call::Suspend]);
    let about = format!("Suspended after {cut} bytes of a packet.");
    let suspended = end.case(format!("suspend-{cut}-{name}"), about);

    let mut end = Party::resume(&state);
    end.call(Call::PskId);
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
        let mut end = Party::resume(&end.suspend());
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
    let mut state = State::of(&mut end);
    state.set_number(SEALING_NUMBER, last);
    state.set_number(OPENING_NUMBER, last);
    let state = state.bytes();
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
        let mut end = Party::resume(&state);
        end.calls(calls);
        end.case(format!("{what}-{name}"), format!("The last packet and one too many, {about}."))
    });
    let mut forged = Party::resume(&state);
    forged.receive(another());
    let about = "The last packet there can be is forged.";
    cases.chain([forged.case(format!("forged-last-number-{name}"), about)]).collect()
}

/// A state remembers which of several keys the session was made with.
fn which_psk() -> Case {
    let accepted = [psk(b"first"), secret()];
    let mut end = Party::server(ServerConfig::Any(ForwardSecrecy::Omit), &accepted);
    let peer = peer_of(Side::Server);
    end.receive(peer.handshake(&one()));
    let mut end = Party::resume(&end.suspend());
    end.call(Call::PskId);
    let mut packets: Direction = peer.packets(&one());
    end.receive(packets.packet(b"hello"));
    end.case("resume-psks-server", "Resumed; the peer has the second of two keys.")
}

/// A later version's state that this one can read, with a field it does not
/// know.
fn later_version() -> Case {
    let state = State::of(&mut established(Side::Client).0).with(VERSION, 2);
    let mut end = Party::resume(&state.followed_by(b"later").bytes());
    end.call(Call::PskId);
    end.say("hello");
    end.case("resume-later-version", "A state of version 2 that readers of version 1 understand.")
}

/// What is given to `resume`, but never came from `suspend`, or not like this.
fn no_states() -> Vec<Case> {
    let whole = established(Side::Client).0.suspend();
    let other = established(Side::Server).0.suspend();
    let (half, length) = (whole.len() / 2, whole.len());
    let flipped = |at: usize| {
        let mut state = whole.clone();
        state[at] ^= 1;
        state
    };
    let damaged = [
        ("empty", Vec::new(), "Nothing at all."),
        ("short", whole[..length - 1].to_vec(), "A state without its last byte."),
        ("half", whole[..half].to_vec(), "The first half of a state."),
        ("long", [&whole[..], b"x"].concat(), "A state and one more byte."),
        ("mixed-up", [&whole[..half], &other[half..]].concat(), "Halves of two states."),
        ("key-bit", flipped(24), "A bit of a key was flipped."),
        ("number-bit", flipped(SEALING_NUMBER + 7), "A bit of a packet number was flipped."),
        ("checksum-bit", flipped(length - 1), "A bit of the checksum was flipped."),
    ];

    let state = State::of(&mut established(Side::Client).0);
    let with = |at, value| state.clone().with(at, value);
    let flags = |flags| with(FLAGS, flags);
    let made_up = [
        ("magic", with(0, b'S'), "Something else than a state."),
        ("version-0", with(VERSION, 0), "A state of version 0."),
        (
            "version-2",
            with(VERSION, 2).with(OLDEST_READER, 2),
            "A state of version 2 that readers of version 1 do not understand.",
        ),
        (
            "later-field",
            state.clone().followed_by(b"x"),
            "A state of version 1 with a later field.",
        ),
        ("flags", flags(16), "A state with an unknown flag."),
        ("end-mark", flags(END_MARK_RECEIVED), "A state without end marks in which one has come."),
        ("truncated", flags(X25519 | CRYPT_ENDED), "A state that has ended without its end mark."),
        (
            "truncated-packet",
            flags(CRYPT_ENDED).with_partial(b"x"),
            "A state that has ended in a packet.",
        ),
        (
            "after-end-mark",
            flags(X25519 | END_MARK_RECEIVED).with_partial(b"x"),
            "A state with a byte after the end mark.",
        ),
        ("packet", state.clone().with_partial(&[0; PACKET_LEN]), "A state with a whole packet."),
    ];
    let made_up = made_up.map(|(what, state, about)| (what, state.bytes(), about));
    let cases = damaged
        .into_iter()
        .chain(made_up)
        .map(|(what, state, about)| Party::resume(&state).case(format!("bad-state-{what}"), about));
    cases.collect()
}
