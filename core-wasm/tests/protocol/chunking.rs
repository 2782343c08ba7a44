//! How bytes are split over calls changes nothing.

use proptest::prelude::*;
use spiped_core::{Error, KeyExchange, NONCE_LEN, Side};

use crate::pair::{End, established, established_by};

/// All that one end said, sent in a conversation with a peer whose bytes it
/// got whole.
struct Said {
    by_client: Vec<u8>,
    by_server: Vec<u8>,
}

const TO_SERVER: &[u8] = b"PING\r\n";

fn to_client() -> Vec<u8> {
    (0..=255).cycle().take(3000).collect()
}

fn conversation(exchange: KeyExchange) -> Said {
    let [mut client, mut server] =
        [Side::Client, Side::Server].map(|side| End::with_exchange(side, exchange));
    let mut said = Said { by_client: client.take_crypt(), by_server: server.take_crypt() };
    client.compute().unwrap();
    client.receive(&said.by_server).unwrap();
    said.by_client.extend(client.take_crypt());
    server.receive(&said.by_client).unwrap();
    let share = server.take_crypt();
    client.receive(&share).unwrap();
    said.by_server.extend(share);
    said.by_client.extend(client.seal(TO_SERVER));
    said.by_server.extend(server.seal(&to_client()));
    for (end, said) in [(&mut client, &mut said.by_client), (&mut server, &mut said.by_server)] {
        end.session.plain_eof(&mut end.out).unwrap();
        said.extend(end.take_crypt());
    }
    said
}

/// Feeds `bytes`, and their end, to a fresh end in pieces, computing when `eager`, or else
/// only when the end would otherwise be stuck.
fn replay(mut end: End, bytes: &[u8], cuts: &[usize], eager: bool) -> (End, Result<(), Error>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut result = Ok(());
    for pair in cuts.windows(2) {
        let piece = &bytes[pair[0]..pair[1]];
        result = result.and_then(|()| end.session.handle_crypt(piece, &mut end.out));
        if eager {
            result = result.and_then(|()| end.compute());
        }
    }
    result = result.and_then(|()| end.session.crypt_eof()).and_then(|()| end.compute());
    (end, result)
}

fn assert_same(side: Side, exchange: KeyExchange, cuts: &[usize], eager: bool) {
    let said = conversation(exchange);
    let (heard, spoken, plain) = match side {
        Side::Client => (&said.by_server, &said.by_client, to_client()),
        Side::Server => (&said.by_client, &said.by_server, TO_SERVER.to_vec()),
    };
    let (end, result) = replay(End::with_exchange(side, exchange), heard, cuts, eager);
    assert_eq!(result, Ok(()));
    assert_eq!(end.out.to_plain, plain);
    // Nonce and key share; the packets answer to plaintext.
    let handshake = NONCE_LEN + key_share_len(exchange);
    assert_eq!(end.out.to_crypt, spoken[..handshake]);
}

fn key_share_len(exchange: KeyExchange) -> usize {
    match exchange {
        KeyExchange::Modp2048 => 288,
        KeyExchange::X25519 => 64,
    }
}

const ENDS: [(Side, KeyExchange); 4] = [
    (Side::Client, KeyExchange::Modp2048),
    (Side::Client, KeyExchange::X25519),
    (Side::Server, KeyExchange::Modp2048),
    (Side::Server, KeyExchange::X25519),
];

#[test]
fn all_at_once() {
    for (side, exchange) in ENDS {
        assert_same(side, exchange, &[], true);
    }
}

#[test]
fn one_byte_at_a_time() {
    let cuts: Vec<usize> = (0..5000).collect();
    for (side, exchange) in ENDS {
        for eager in [true, false] {
            assert_same(side, exchange, &cuts, eager);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split(
        end in 0..ENDS.len(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        eager in any::<bool>(),
    ) {
        let (side, exchange) = ENDS[end];
        assert_same(side, exchange, &cuts, eager);
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
        client.session.plain_eof(&mut client.out).unwrap();
        stream.extend(client.take_crypt());
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
