//! How bytes are split over calls changes nothing.

use proptest::prelude::*;
use spiped_core::{Error, KeyExchange, NONCE_LEN, Verdict};

use crate::pair::{Party, Server, choice, established, established_by, psk};

const TO_SERVER: &[u8] = b"PING\r\n";

fn to_client() -> Vec<u8> {
    (0..=255).cycle().take(3000).collect()
}

/// All that both ends said, the client first, in a conversation in which both
/// got their peer's bytes whole.
fn conversation(exchange: KeyExchange) -> [Vec<u8>; 2] {
    let server = Server::any();
    let mut client = Party::connect(choice(exchange), &psk(7));
    let mut from_client = client.hello(&server);
    let mut answering = server.answer(&from_client).unwrap();
    let share = answering.take_crypt();
    client.receive(&share).unwrap();
    let mut from_server = [&server.nonce[..], &share].concat();
    from_client.extend(client.seal(TO_SERVER));
    from_server.extend(answering.seal(&to_client()));
    from_client.extend(client.plain_eof());
    from_server.extend(answering.plain_eof());
    [from_client, from_server]
}

/// Feeds `bytes`, and their end, to a fresh end in pieces. It computes when
/// `eager`, or else only when it would otherwise be stuck.
fn replay(side: Side, bytes: &[u8], cuts: &[usize], eager: bool) -> (Party, Result<(), Error>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
    let mut end = match side {
        Side::Client(exchange) => Party::connect(choice(exchange), &psk(7)),
        Side::Server => {
            let (server, mut received) = (Server::any(), Vec::new());
            while let Verdict::More(_) = server.identify(&received) {
                received.extend_from_slice(pieces.next().unwrap());
            }
            server.accept(&received).unwrap()
        }
    };
    let mut result = if eager { end.compute() } else { Ok(()) };
    for piece in pieces {
        result = result.and_then(|()| end.session.handle_crypt(piece, &mut end.out));
        if eager {
            result = result.and_then(|()| end.compute());
        }
    }
    result = result.and_then(|()| end.session.crypt_eof()).and_then(|()| end.compute());
    (end, result)
}

/// A server sees its client's choice.
#[derive(Clone, Copy)]
enum Side {
    Client(KeyExchange),
    Server,
}

fn assert_same(is_client: bool, exchange: KeyExchange, cuts: &[usize], eager: bool) {
    let [from_client, from_server] = conversation(exchange);
    let share = NONCE_LEN..NONCE_LEN + key_share_len(exchange);
    // The packets answer to plaintext, and a server's nonce is its host's.
    let (side, heard, spoken, plain) = if is_client {
        (Side::Client(exchange), &from_server, &from_client[..share.end], to_client())
    } else {
        (Side::Server, &from_client, &from_server[share], TO_SERVER.to_vec())
    };
    let (end, result) = replay(side, heard, cuts, eager);
    assert_eq!(result, Ok(()));
    assert_eq!(end.out.to_plain, plain);
    assert_eq!(end.out.to_crypt, spoken);
}

fn key_share_len(exchange: KeyExchange) -> usize {
    match exchange {
        KeyExchange::Modp2048 => 288,
        KeyExchange::X25519 => 64,
    }
}

const ENDS: [(bool, KeyExchange); 4] = [
    (true, KeyExchange::Modp2048),
    (true, KeyExchange::X25519),
    (false, KeyExchange::Modp2048),
    (false, KeyExchange::X25519),
];

#[test]
fn all_at_once() {
    for (is_client, exchange) in ENDS {
        assert_same(is_client, exchange, &[], true);
    }
}

#[test]
fn one_byte_at_a_time() {
    let cuts: Vec<usize> = (0..5000).collect();
    for (is_client, exchange) in ENDS {
        for eager in [true, false] {
            assert_same(is_client, exchange, &cuts, eager);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// protocol.md H-7.
    #[test]
    fn any_split(
        end in 0..ENDS.len(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        eager in any::<bool>(),
    ) {
        let (is_client, exchange) = ENDS[end];
        assert_same(is_client, exchange, &cuts, eager);
    }

    #[test]
    fn any_split_of_a_stream_with_a_forgery(
        x25519 in any::<bool>(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        forged in 0..4 * 1060_usize,
    ) {
        let exchange = if x25519 { KeyExchange::X25519 } else { KeyExchange::Modp2048 };
        let (mut client, server) = established_by(exchange);
        let mut stream = client.seal(&to_client());
        stream.extend(client.plain_eof());
        let forged = forged % stream.len();
        stream[forged] ^= 0x10;
        let (mut whole, mut pieces) = (server, established_by(exchange).1);
        let expected = whole.receive(&stream);
        let mut result = Ok(());
        let mut rest = &stream[..];
        for cut in cuts {
            let (piece, later) = rest.split_at(cut % (rest.len() + 1));
            result = result.and_then(|()| pieces.receive(piece));
            rest = later;
        }
        result = result.and_then(|()| pieces.receive(rest));
        prop_assert!(expected.is_err());
        prop_assert_eq!(result, expected);
        prop_assert_eq!(pieces.out, whole.out);
    }

    /// protocol.md P-6.
    #[test]
    fn any_lengths_arrive_whole(lengths in prop::collection::vec(0..5000_usize, 1..8)) {
        let (mut client, mut server) = established();
        for (length, byte) in lengths.into_iter().zip(0_u8..) {
            let plain = vec![byte; length];
            let packets = server.seal(&plain);
            prop_assert_eq!(packets.len(), length.div_ceil(1024) * 1060);
            client.receive(&packets).unwrap();
            prop_assert_eq!(client.take_plain(), plain);
        }
    }
}
