//! Key shares that a peer should not have sent.

use spiped_core::{ForwardSecrecy, NONCE_LEN, Side};
use spiped_tests::wire::{self, PublicValue};

use super::Case;
use super::party::{Party, nonce, peer_of};
use crate::Call;
use crate::transcript::{FORWARD_SECRECY, SIDES};

pub(super) fn cases() -> Vec<Case> {
    let cases = SIDES.iter().flat_map(|(name, side)| {
        let values = values(name, *side);
        values.into_iter().chain(wrong_keys(name, *side)).chain(reflected(name, *side))
    });
    cases.chain([share_reflected()]).collect()
}

/// Public values at the edges, authentic, whatever our end does about forward
/// secrecy; and a packet under the shared value they lead to.
fn values(name: &str, side: Side) -> Vec<Case> {
    let values = [
        ("0", wire::zero()),
        ("1", wire::one()),
        ("p-1", wire::prime_minus_one()),
        ("p", wire::prime()),
        ("p+1", prime_plus_one()),
        ("max", [0xff; 256]),
    ];
    let cases = values.iter().flat_map(|(value_name, value)| {
        FORWARD_SECRECY.map(|(option, forward_secrecy)| {
            let peer = peer_of(side);
            let mut end = Party::start(side, forward_secrecy);
            end.receive(peer.nonce());
            end.receive(peer.key_share(value));
            let shared = shared_value(side, forward_secrecy, value);
            end.receive(peer.packets(&shared).packet(b"hello"));
            end.say("hello");
            let about = format!("The peer's public value is {value_name}; we: {option}.");
            end.case(format!("public-value-{value_name}-{option}-{name}"), about)
        })
    });
    cases.collect()
}

/// The powers of 0, 1 and p-1. Of our exponents, the client's is odd and the
/// server's is even.
fn shared_value(side: Side, forward_secrecy: ForwardSecrecy, value: &PublicValue) -> PublicValue {
    let even = side == Side::Server;
    let squared = even && *value == wire::prime_minus_one();
    if squared || forward_secrecy == ForwardSecrecy::Omit { wire::one() } else { *value }
}

fn prime_plus_one() -> PublicValue {
    let mut value = wire::prime();
    // The prime ends in 64 bits that are set.
    value[256 - 8..].fill(0);
    value[256 - 9] += 1;
    value
}

/// Key shares whose MAC does not verify.
fn wrong_keys(name: &str, side: Side) -> Vec<Case> {
    let share = peer_of(side).key_share(&wire::one());
    let other = peer_of(side).with_secret(wire::psk(b"another")).key_share(&wire::one());
    let shares = [
        ("key", other, "The peer has another key."),
        ("value-bit", flip(&share, 255), "A bit of the public value was changed on the way."),
        ("mac-bit", flip(&share, 287), "A bit of the MAC was changed on the way."),
    ];
    let cases = shares.into_iter().map(|(fault, share, about)| {
        let mut end = Party::start(side, ForwardSecrecy::Offer);
        end.receive(peer_of(side).nonce());
        end.receive(share);
        if side == Side::Client {
            end.calls([Call::PskId, Call::CryptEof]);
        }
        end.case(format!("wrong-{fault}-{name}"), about)
    });
    cases.collect()
}

/// Both ends' key shares have MAC keys of their own.
fn share_reflected() -> Case {
    let mut end = Party::start(Side::Client, ForwardSecrecy::Offer);
    end.receive(peer_of(Side::Client).nonce());
    let sent = end.take_sent();
    end.receive(&sent[NONCE_LEN..]);
    end.case("wrong-reflected-client", "The peer sends our own key share back.")
}

/// Our own nonce, and our own public value with a valid MAC, as a clone of our
/// machine would send them.
fn reflected(name: &str, side: Side) -> [Case; 2] {
    let offer = ForwardSecrecy::Offer;
    let mut twin = Party::start(side, offer);
    twin.receive(nonce(side));
    if side == Side::Server {
        // The length decides that this is a whole hello.
        twin.receive([0; 288]);
    }
    let nonce = twin.case(format!("reflected-nonce-{name}"), "The peer's nonce is our own.");

    let peer = peer_of(side);
    let mut end = Party::start(side, offer);
    end.receive(peer.handshake(&wire::one()));
    let share = end.take_sent().split_off(NONCE_LEN);
    let value = share[..256].try_into().expect("a key share");
    let mut twin = Party::start(side, offer);
    twin.receive(peer.handshake(&value));
    let about = "The peer's public value is our own.";
    [nonce, twin.case(format!("reflected-value-{name}"), about)]
}

fn flip(share: &[u8], at: usize) -> Vec<u8> {
    let mut share = share.to_vec();
    share[at] ^= 1;
    share
}
