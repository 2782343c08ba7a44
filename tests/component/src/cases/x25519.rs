//! The key exchange X25519 and its end marks.

use spiped_core::{ClientConfig, ForwardSecrecy, NONCE_LEN, PACKET_LEN, ServerConfig, Side};
use spiped_tests::wire::{
    Coordinate, Direction, psk, x25519_handshake_keys, x25519_key_share, x25519_public_value,
    x25519_session_keys, x25519_shared_value,
};

use super::Case;
use super::party::{Party, both, converse, exponent, nonce, nonces, opposite, secret};
use super::state::{SEALING_NUMBER, State};
use crate::Call;
use crate::transcript::{FORWARD_SECRECY, SIDES};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = vector().into_iter().chain(servers()).chain(psks()).collect();
    for (name, side) in SIDES {
        cases.extend(splits(name, side));
        cases.extend(tampered(name, side));
        cases.extend(low_order(name, side));
        cases.extend(truncated_handshake(name, side));
        cases.extend(truncated_packets(name, side));
        cases.extend(after_end_mark(name, side));
        cases.extend(moved(name, side));
        cases.push(reflected(name, side));
        cases.push(exhausted(name, side));
    }
    cases
}

/// The handshake, packets both ways, both ends.
/// protocol.md H-1, E-1.
fn vector() -> Vec<Case> {
    let [mut client, mut server] = SIDES.map(|(_, side)| start(side));
    converse(&mut client, &mut server);
    client.call(Call::PskId);
    server.call(Call::PskId);
    client.say("hello");
    client.say([b'A'; 1024]);
    converse(&mut client, &mut server);
    server.say("answer");
    server.call(Call::PlainEof);
    converse(&mut client, &mut server);
    client.calls([Call::CryptEof, Call::Plain(b"still talking".into()), Call::PlainEof]);
    converse(&mut client, &mut server);
    server.call(Call::CryptEof);
    let about = "X25519, packets, and the end marks of both directions.";
    both(client, server).map(|(side, end)| end.case(format!("vector-x25519-{side}"), about)).into()
}

/// Whatever the server accepts, with both kinds of clients.
fn servers() -> Vec<Case> {
    let offer = ForwardSecrecy::Offer;
    let modp2048 = ("modp2048", ClientConfig::Modp2048(offer));
    let x25519 = ("x25519", ClientConfig::X25519);
    let alone = [
        ("modp2048".to_owned(), ServerConfig::Modp2048(offer)),
        ("x25519".to_owned(), ServerConfig::X25519),
    ];
    let any = FORWARD_SECRECY.map(|(name, fs)| (format!("any-{name}"), ServerConfig::Any(fs)));
    let pairs = [modp2048, x25519].into_iter().flat_map(|client| {
        let any = any.iter().filter(move |_| client == x25519);
        alone.iter().chain(any).map(move |server| (client, server))
    });
    let cases = pairs.flat_map(|((client_name, client), (server_name, server))| {
        let mut client = Party::start_client(client, secret());
        let mut server = Party::server(*server, &[secret()]);
        converse(&mut client, &mut server);
        if client.is_established() && server.is_established() {
            client.say("question");
            server.say("answer");
            converse(&mut client, &mut server);
        } else {
            // What follows a time limit.
            server.hang_up();
            client.hang_up();
        }
        both(client, server).map(|(side, end)| {
            let name = format!("exchange-{client_name}-with-{server_name}-{side}");
            end.case(name, format!("A client with {client_name}, a server with {server_name}."))
        })
    });
    cases.collect()
}

/// A server that accepts several keys, and clients with each of them or none.
fn psks() -> Vec<Case> {
    let accepted = ["first", "second", "third"].map(|key_file| psk(key_file.as_bytes()));
    let cases = ["first", "second", "third", "none"].map(|name| {
        let held = psk(name.as_bytes());
        let mut client = Party::start_client(ClientConfig::X25519, held);
        let mut server = Party::server(any(), &accepted);
        server.receive(client.take_sent());
        client.receive(server.take_sent());
        server.receive(client.take_sent());
        server.hang_up();
        let about = format!("Three keys are accepted; the client has: {name}.");
        server.case(format!("x25519-psks-{name}-server"), about)
    });
    cases.into()
}

/// All that the peer ever says, split in different ways.
fn splits(name: &str, side: Side) -> [Case; 3] {
    let heard = peer_of(side).all();
    let splits = [
        ("bytewise", heard.chunks(1).collect::<Vec<_>>(), "Everything comes one byte at a time."),
        ("at-once", vec![&heard[..]], "Everything comes in one read."),
        (
            "across",
            vec![&heard[..20], &heard[20..95], &heard[95..97], &heard[97..1300], &heard[1300..]],
            "Reads that respect no message's beginning or end.",
        ),
    ];
    splits.map(|(split, reads, about)| {
        let mut end = start(side);
        for read in reads {
            end.receive(read);
        }
        end.hang_up();
        end.case(format!("x25519-split-{split}-{name}"), about)
    })
}

/// Key shares that were changed, or are an answer to another one.
fn tampered(name: &str, side: Side) -> Vec<Case> {
    let peer = peer_of(side);
    let changed = [0, 31, 32, 63].map(|at| {
        let mut share = peer.key_share(&peer.value());
        share[at] ^= 0x80;
        (format!("at-{at}"), share, format!("Byte {at} of the key share was changed."))
    });
    let mut shares = changed.to_vec();
    shares.push((
        "reflected".into(),
        x25519_key_share(&mac_key(side), None, &x25519_public_value(&exponent(side))),
        "A key share as this end would have made it.".into(),
    ));
    if side == Side::Client {
        let other = x25519_public_value(&[0x33; 32]);
        let share = x25519_key_share(&mac_key(peer.side), Some(&other), &peer.value());
        shares.push((
            "answer".into(),
            share,
            "A key share that answers another public value.".into(),
        ));
    }
    let cases = shares.into_iter().map(|(what, share, about)| {
        let mut end = start(side);
        end.receive(peer.nonce());
        end.receive(share);
        // A server that accepts both goes on waiting.
        end.hang_up();
        end.case(format!("x25519-tampered-{what}-{name}"), about)
    });
    cases.collect()
}

/// Public values whose shared value is 0, with a valid MAC.
/// protocol.md H-12.
fn low_order(name: &str, side: Side) -> [Case; 4] {
    let mut one = [0; 32];
    one[0] = 1;
    let mut order_8 = [0; 32];
    order_8.copy_from_slice(&ORDER_8);
    let mut zero_unreduced = [0xff; 32];
    (zero_unreduced[0], zero_unreduced[31]) = (0xed, 0x7f);
    [
        ("0", [0; 32], "The public value 0."),
        ("1", one, "The public value 1."),
        ("8", order_8, "A public value of order 8."),
        ("p", zero_unreduced, "The public value 0, not reduced."),
    ]
    .map(|(what, value, about)| {
        let mut end = start(side);
        let peer = peer_of(side);
        end.receive(peer.nonce());
        end.receive(peer.key_share(&value));
        end.case(format!("x25519-low-order-{what}-{name}"), about)
    })
}

/// RFC 7748, section 7: one of the two points of order 8.
const ORDER_8: [u8; 32] = [
    0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
    0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
];

fn truncated_handshake(name: &str, side: Side) -> [Case; 3] {
    let peer = peer_of(side);
    let handshake = [peer.nonce(), peer.key_share(&peer.value()).to_vec()].concat();
    [NONCE_LEN, NONCE_LEN + 1, handshake.len() - 1].map(|length| {
        let mut end = start(side);
        end.receive(&handshake[..length]);
        end.hang_up();
        let about = format!("The stream ends after {length} bytes of the handshake.");
        end.case(format!("x25519-truncated-handshake-{length}-{name}"), about)
    })
}

/// Ends at every boundary of three packets, and within the last one, which is
/// the end mark.
fn truncated_packets(name: &str, side: Side) -> [Case; 5] {
    let lengths = [0, PACKET_LEN, 2 * PACKET_LEN, 2 * PACKET_LEN + 1, 3 * PACKET_LEN - 1];
    lengths.map(|length| {
        let (mut end, mut packets) = established(side);
        let stream = three_packets(&mut packets);
        if length > 0 {
            end.receive(&stream[..length]);
        }
        end.call(Call::CryptEof);
        end.say("more");
        let about =
            format!("The stream ends after {length} bytes of packets, before its end mark.");
        end.case(format!("x25519-truncated-packets-{length}-{name}"), about)
    })
}

/// Bytes after the end mark, of any kind.
fn after_end_mark(name: &str, side: Side) -> Vec<Case> {
    let (_, mut packets) = established(side);
    let stream = three_packets(&mut packets);
    let packet = packets.packet(b"one more").to_vec();
    let mut forged = packet.clone();
    forged[0] ^= 1;
    let (_, mut packets) = established(side);
    packets.number = 3;
    let second_mark = packets.packet(b"").to_vec();
    let more = [
        ("byte", vec![0], "A byte"),
        ("packet", packet, "An authentic packet"),
        ("forgery", forged, "A forged packet"),
        ("end-mark", second_mark, "A second end mark"),
    ];
    let cases = more.into_iter().flat_map(|(what, more, about)| {
        let (mut at_once, _) = established(side);
        at_once.receive([&stream[..], &more].concat());
        let (mut later, _) = established(side);
        later.calls([Call::Crypt(stream.clone()), Call::Crypt(more)]);
        [
            at_once.case(
                format!("x25519-after-end-mark-{what}-{name}"),
                format!("{about} comes together with the end mark."),
            ),
            later.case(
                format!("x25519-after-end-mark-{what}-later-{name}"),
                format!("{about} comes after the end mark."),
            ),
        ]
    });
    cases.collect()
}

/// Suspended and resumed before and after the end mark.
fn moved(name: &str, side: Side) -> [Case; 4] {
    let stream = three_packets(&mut established(side).1);
    let lives = [
        (
            "within-end-mark",
            2 * PACKET_LEN + 7,
            vec![Call::Crypt(stream[2 * PACKET_LEN + 7..].into())],
        ),
        ("before-end-mark", 2 * PACKET_LEN, vec![]),
        ("at-end-mark", 3 * PACKET_LEN, vec![]),
        ("after-end-mark", 3 * PACKET_LEN, vec![Call::Crypt(vec![0])]),
    ];
    lives.map(|(what, length, calls)| {
        let (mut end, _) = established(side);
        end.receive(&stream[..length]);
        let mut end = Party::resume(&end.suspend());
        end.call(Call::PskId);
        end.calls(calls);
        end.calls([Call::CryptEof, Call::Plain(b"answer".into()), Call::PlainEof]);
        let about = format!("Resumed after {length} bytes of two packets and the end mark.");
        end.case(format!("x25519-resume-{what}-{name}"), about)
    })
}

/// Our own public value with a valid MAC, as a clone of our machine would send
/// it.
fn reflected(name: &str, side: Side) -> Case {
    let mut end = start(side);
    let peer = peer_of(side);
    end.receive(peer.nonce());
    let value = x25519_public_value(&exponent(side));
    end.receive(peer.key_share(&value));
    end.case(format!("x25519-reflected-value-{name}"), "The peer's public value is our own.")
}

/// There is no number for the end mark.
fn exhausted(name: &str, side: Side) -> Case {
    let mut state = State::of(&mut established(side).0);
    state.set_number(SEALING_NUMBER, u64::MAX);
    let mut end = Party::resume(&state.bytes());
    end.calls([Call::PlainEof, Call::PlainEof]);
    end.case(format!("x25519-exhausted-end-{name}"), "The end mark would be one packet too many.")
}

/// A short message, a full one, the end mark.
fn three_packets(packets: &mut Direction) -> Vec<u8> {
    [&b"hello"[..], &[b'A'; 1024], b""].map(|message| packets.packet(message)).concat()
}

fn any() -> ServerConfig {
    ServerConfig::Any(ForwardSecrecy::Offer)
}

fn start(side: Side) -> Party {
    match side {
        Side::Client => Party::start_client(ClientConfig::X25519, secret()),
        Side::Server => Party::server(any(), &[secret()]),
    }
}

/// A session that has agreed with a peer; and what this peer sends.
fn established(side: Side) -> (Party, Direction) {
    let mut end = start(side);
    let peer = peer_of(side);
    end.receive([peer.nonce(), peer.key_share(&peer.value()).to_vec()].concat());
    end.take_sent();
    (end, peer.packets())
}

/// The other end, made by hand from the ingredients of a session of its side.
struct Peer {
    side: Side,
}

fn peer_of(side: Side) -> Peer {
    Peer { side: opposite(side) }
}

impl Peer {
    fn nonce(&self) -> Vec<u8> {
        nonce(self.side)
    }

    fn value(&self) -> Coordinate {
        x25519_public_value(&exponent(self.side))
    }

    /// With a valid MAC.
    fn key_share(&self, value: &Coordinate) -> [u8; 64] {
        let clients = x25519_public_value(&exponent(Side::Client));
        let answered = (self.side == Side::Server).then_some(&clients);
        x25519_key_share(&mac_key(self.side), answered, value)
    }

    fn packets(&self) -> Direction {
        let values = [Side::Client, Side::Server].map(|side| x25519_public_value(&exponent(side)));
        let shared = x25519_shared_value(&exponent(Side::Client), &values[1]);
        let [client_cipher, client_mac, server_cipher, server_mac] =
            x25519_session_keys(&secret(), &nonces(), values.each_ref(), &shared);
        Direction::new(match self.side {
            Side::Client => [client_cipher, client_mac],
            Side::Server => [server_cipher, server_mac],
        })
    }

    /// Handshake, packets, end mark.
    fn all(&self) -> Vec<u8> {
        let packets = three_packets(&mut self.packets());
        [self.nonce(), self.key_share(&self.value()).to_vec(), packets].concat()
    }
}

/// What authenticates the key share of this side.
fn mac_key(side: Side) -> [u8; 32] {
    let [client, server] = x25519_handshake_keys(&secret(), &nonces());
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}
