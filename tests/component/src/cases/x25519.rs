//! The key exchange X25519 and its end marks.

use spiped_core::{Config, ForwardSecrecy, KeyExchange, NONCE_LEN, PACKET_LEN, Side};
use spiped_tests::wire::{
    Coordinate, Direction, psk, x25519_handshake_keys, x25519_key_share, x25519_public_value,
    x25519_session_keys, x25519_shared_value,
};

use super::Case;
use super::end::{End, both, converse, entropy, ingredients_of, secret};
use crate::Call;
use crate::transcript::{FORWARD_SECRECY, SIDES};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = vector().into_iter().chain(servers()).chain(secrets()).collect();
    for (name, side) in SIDES {
        cases.extend(splits(name, side));
        cases.extend(tampered(name, side));
        cases.extend(low_order(name, side));
        cases.extend(handshake_cut_off(name, side));
        cases.extend(packets_cut_off(name, side));
        cases.extend(past_the_end(name, side));
        cases.extend(moved(name, side));
        cases.push(exhausted(name, side));
    }
    cases
}

/// The handshake, packets both ways, both ends.
fn vector() -> Vec<Case> {
    let mut ends = SIDES.map(|(_, side)| {
        let mut end = End::of(ingredients(side));
        end.call(Call::KeyExchange);
        end.call(Call::Start);
        end.call(Call::KeyExchange);
        end.compute();
        end
    });
    let [client, server] = &mut ends;
    converse(client, server);
    for end in [&mut *client, &mut *server] {
        end.calls([Call::KeyExchange, Call::PeerSecret]);
    }
    client.say("hello");
    client.say([b'A'; 1024]);
    converse(client, server);
    server.say("answer");
    server.call(Call::PlainEof);
    converse(client, server);
    client.calls([Call::CryptEof, Call::Plain(b"still talking".into()), Call::PlainEof]);
    converse(client, server);
    server.call(Call::CryptEof);
    let [client, server] = ends;
    let about = "X25519, packets, and the end marks of both directions.";
    both(client, server).map(|(side, end)| end.case(format!("vector-x25519-{side}"), about)).into()
}

/// Whatever the server wants, with both kinds of clients.
fn servers() -> Vec<Case> {
    let exchanges = [("modp2048", KeyExchange::Modp2048), ("x25519", KeyExchange::X25519)];
    let mut cases = Vec::new();
    let mut play = |client: &str, client_exchange, server: String, server_config| {
        let config = Config { key_exchange: Some(client_exchange), ..config(Side::Client) };
        let mut client_end = End::start_of(ingredients_of(config, &[secret()]));
        let mut server_end = End::start_of(ingredients_of(server_config, &[secret()]));
        converse(&mut client_end, &mut server_end);
        if client_end.is_established() && server_end.is_established() {
            client_end.say("question");
            server_end.say("answer");
            converse(&mut client_end, &mut server_end);
        } else {
            // What follows a time limit.
            server_end.hang_up();
            client_end.hang_up();
        }
        cases.extend(both(client_end, server_end).map(|(side, end)| {
            let name = format!("exchange-{client}-with-{server}-{side}");
            end.case(name, format!("A client with {client}, a server with {server}."))
        }));
    };
    for (client, client_exchange) in exchanges {
        for (server, server_exchange) in exchanges {
            let config = Config { key_exchange: Some(server_exchange), ..config(Side::Server) };
            play(client, client_exchange, server.into(), config);
        }
    }
    for (name, forward_secrecy) in FORWARD_SECRECY {
        let config = Config { forward_secrecy, ..config(Side::Server) };
        play("x25519", KeyExchange::X25519, format!("any-{name}"), config);
    }
    cases
}

/// A server that accepts several secrets, and clients with each of them or
/// none.
fn secrets() -> Vec<Case> {
    let accepted = ["first", "second", "third"].map(|key_file| psk(key_file.as_bytes()));
    let cases = ["first", "second", "third", "none"].map(|name| {
        let held = psk(name.as_bytes());
        let mut client = End::start_of(ingredients_of(config(Side::Client), &[held]));
        let mut server = End::start_of(ingredients_of(config(Side::Server), &accepted));
        server.call(Call::Crypt(client.take_sent()));
        client.receive(server.take_sent());
        server.calls([Call::PeerSecret, Call::KeyExchange]);
        server.call(Call::Crypt(client.take_sent()));
        server.calls([Call::PeerSecret, Call::KeyExchange]);
        server.compute();
        server.hang_up();
        let about = format!("Three secrets are accepted; the client holds: {name}.");
        server.case(format!("x25519-secrets-{name}-server"), about)
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
        end.call(Call::CryptEof);
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

fn handshake_cut_off(name: &str, side: Side) -> [Case; 3] {
    let peer = peer_of(side);
    let handshake = [peer.nonce(), peer.key_share(&peer.value()).to_vec()].concat();
    [NONCE_LEN, NONCE_LEN + 1, handshake.len() - 1].map(|length| {
        let mut end = start(side);
        end.receive(&handshake[..length]);
        end.call(Call::CryptEof);
        let about = format!("The stream ends after {length} bytes of the handshake.");
        end.case(format!("x25519-cut-off-handshake-{length}-{name}"), about)
    })
}

/// Ends at every boundary of three packets, and within the last one, which is
/// the end mark.
fn packets_cut_off(name: &str, side: Side) -> [Case; 5] {
    let lengths = [0, PACKET_LEN, 2 * PACKET_LEN, 2 * PACKET_LEN + 1, 3 * PACKET_LEN - 1];
    lengths.map(|length| {
        let (mut end, mut packets) = established(side);
        let stream = three_packets(&mut packets);
        if length > 0 {
            end.receive(&stream[..length]);
        }
        end.call(Call::CryptEof);
        end.say("more");
        let about = format!("The stream ends after {length} bytes of packets, before its end.");
        end.case(format!("x25519-cut-off-packets-{length}-{name}"), about)
    })
}

/// Bytes after the end mark, of any kind.
fn past_the_end(name: &str, side: Side) -> Vec<Case> {
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
                format!("x25519-past-the-end-{what}-{name}"),
                format!("{about} comes together with the end mark."),
            ),
            later.case(
                format!("x25519-past-the-end-{what}-later-{name}"),
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
        ("within-end", 2 * PACKET_LEN + 7, vec![Call::Crypt(stream[2 * PACKET_LEN + 7..].into())]),
        ("before-end", 2 * PACKET_LEN, vec![]),
        ("after-end", 3 * PACKET_LEN, vec![]),
        ("past-the-end", 3 * PACKET_LEN, vec![Call::Crypt(vec![0])]),
    ];
    lives.map(|(what, length, calls)| {
        let (mut end, _) = established(side);
        end.receive(&stream[..length]);
        let mut end = End::resume(&end.suspend());
        end.calls([Call::PeerSecret, Call::KeyExchange]);
        end.calls(calls);
        end.calls([Call::CryptEof, Call::Plain(b"answer".into()), Call::PlainEof]);
        let about = format!("Resumed after {length} bytes of two packets and the end mark.");
        end.case(format!("x25519-resume-{what}-{name}"), about)
    })
}

/// There is no number for the end mark.
fn exhausted(name: &str, side: Side) -> Case {
    let mut state = established(side).0.suspend();
    state[SEALING_NUMBER..][..8].fill(0xff);
    let mut end = End::resume(&state);
    end.calls([Call::PlainEof, Call::PlainEof]);
    end.case(format!("x25519-exhausted-end-{name}"), "The end mark would be one packet too many.")
}

/// Offset in a state, version 1.
const SEALING_NUMBER: usize = 70;

/// A short message, a full one, the end mark.
fn three_packets(packets: &mut Direction) -> Vec<u8> {
    [&b"hello"[..], &[b'A'; 1024], b""].map(|message| packets.packet(message)).concat()
}

fn config(side: Side) -> Config {
    Config {
        side,
        key_exchange: (side == Side::Client).then_some(KeyExchange::X25519),
        forward_secrecy: ForwardSecrecy::Offer,
    }
}

fn ingredients(side: Side) -> crate::Ingredients {
    ingredients_of(config(side), &[secret()])
}

fn start(side: Side) -> End {
    End::start_of(ingredients(side))
}

/// A session that has agreed with a peer; and what this peer sends.
fn established(side: Side) -> (End, Direction) {
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
    Peer {
        side: match side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        },
    }
}

impl Peer {
    fn nonce(&self) -> Vec<u8> {
        entropy(self.side)[..NONCE_LEN].to_vec()
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

fn nonces() -> [u8; 64] {
    let nonces = [Side::Client, Side::Server].map(|side| entropy(side)[..NONCE_LEN].to_vec());
    nonces.concat().try_into().expect("two nonces")
}

fn exponent(side: Side) -> [u8; 32] {
    entropy(side)[NONCE_LEN..].try_into().expect("32 bytes")
}
