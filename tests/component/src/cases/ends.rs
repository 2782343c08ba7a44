//! Ends of streams: clean or truncating something, in either order.

use spiped_core::{ForwardSecrecy, KEY_SHARE_LEN, NONCE_LEN, PACKET_LEN, Side};
use spiped_tests::wire::one;

use super::Case;
use super::party::{Party, established, peer_of, unhurried};
use crate::Call;
use crate::transcript::SIDES;

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let groups = [half_closed(name, *side), truncated(name, *side)];
        groups.into_iter().flatten().chain([ended_while_computing(name, *side)])
    });
    cases.collect()
}

fn half_closed(name: &str, side: Side) -> Vec<Case> {
    let (mut plain_first, mut packets) = established(side);
    plain_first.say("last words");
    plain_first.call(Call::PlainEof);
    plain_first.receive(packets.packet(b"still listening"));
    plain_first.call(Call::CryptEof);

    let (mut crypt_first, mut packets) = established(side);
    crypt_first.receive(packets.packet(b"last words"));
    crypt_first.call(Call::CryptEof);
    crypt_first.say("still talking");
    crypt_first.call(Call::PlainEof);

    let (mut at_once, _) = established(side);
    at_once.calls([Call::CryptEof, Call::PlainEof]);

    vec![
        plain_first.case(format!("half-close-plain-{name}"), "The plain side ends first."),
        crypt_first.case(format!("half-close-crypt-{name}"), "The crypt side ends first."),
        at_once.case(format!("half-close-at-once-{name}"), "Both sides end with nothing said."),
    ]
}

/// Ends in the middle of the handshake, or of a packet after one that came
/// whole.
fn truncated(name: &str, side: Side) -> Vec<Case> {
    let handshake = peer_of(side).handshake(&one());
    let whole = NONCE_LEN + KEY_SHARE_LEN;
    let in_handshake = [0, 1, NONCE_LEN, NONCE_LEN + 1, whole - 1].map(|length| {
        let mut end = Party::start(side, ForwardSecrecy::Offer);
        if length > 0 {
            end.receive(&handshake[..length]);
        }
        end.hang_up();
        let about = format!("The stream ends after {length} bytes of the handshake.");
        end.case(format!("truncated-handshake-{length}-{name}"), about)
    });
    let in_packet = [1, 500, PACKET_LEN - 1].map(|length| {
        let (mut end, mut packets) = established(side);
        let stream = [packets.packet(b"whole"), packets.packet(b"cut off")].concat();
        end.receive(&stream[..PACKET_LEN + length]);
        end.call(Call::CryptEof);
        end.say("more");
        let about = format!("The stream ends after {length} bytes of the second packet.");
        end.case(format!("truncated-packet-{length}-{name}"), about)
    });
    in_handshake.into_iter().chain(in_packet).collect()
}

/// The verdict on an end that comes while an exponentiation is due waits.
fn ended_while_computing(name: &str, side: Side) -> Case {
    let mut end = unhurried(side);
    let peer = peer_of(side);
    let packet = peer.packets(&one()).packet(b"truncated");
    end.take_in(&[&peer.handshake(&one())[..], &packet[..PACKET_LEN - 1]].concat());
    end.call(Call::CryptEof);
    end.compute();
    let about = "The stream ends in a packet before the packets' keys are computed.";
    end.case(format!("truncated-before-compute-{name}"), about)
}
