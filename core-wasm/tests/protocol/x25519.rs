//! The key exchange X25519: who agrees with whom, and what nobody can change.

use spiped_core::{
    Config, Error, ForwardSecrecy, KeyExchange, PACKET_LEN, PeerFault, Side, Status,
};

use crate::pair::{End, entropy, established_by, psk, shake_hands};

const SHARE_LEN: usize = 64;

fn config(side: Side, key_exchange: Option<KeyExchange>) -> Config {
    Config { side, key_exchange, forward_secrecy: ForwardSecrecy::Offer }
}

fn end(side: Side, key_exchange: Option<KeyExchange>) -> End {
    End::of(config(side, key_exchange), vec![psk(7)], &entropy(side))
}

/// Both key shares of an honest handshake, and what came before.
struct Flights {
    nonces: [Vec<u8>; 2],
    shares: [Vec<u8>; 2],
}

fn flights() -> Flights {
    let mut client = end(Side::Client, Some(KeyExchange::X25519));
    let mut server = end(Side::Server, None);
    let nonces = [client.take_crypt(), server.take_crypt()];
    client.compute().unwrap();
    client.receive(&nonces[1]).unwrap();
    server.receive(&nonces[0]).unwrap();
    let share = client.take_crypt();
    server.receive(&share).unwrap();
    Flights { nonces, shares: [share, server.take_crypt()] }
}

#[test]
fn server_goes_by_the_clients_choice_within_its_own() {
    let [modp, x25519] = [KeyExchange::Modp2048, KeyExchange::X25519];
    for (client, server, agreed) in [
        (modp, None, true),
        (x25519, None, true),
        (modp, Some(modp), true),
        (x25519, Some(x25519), true),
        (modp, Some(x25519), false),
    ] {
        let (mut at_client, mut at_server) =
            (end(Side::Client, Some(client)), end(Side::Server, server));
        assert_eq!(at_client.session.key_exchange(), Some(client));
        assert_eq!(at_server.session.key_exchange(), None);
        let result = shake_hands(&mut at_client, &mut at_server);
        assert_eq!(result.is_ok(), agreed, "{client:?} with {server:?}");
        if agreed {
            assert_eq!(at_server.session.key_exchange(), Some(client));
            assert_eq!(at_server.session.peer_secret(), Some(0));
        } else {
            assert_eq!(result, Err(PeerFault::WrongKey.into()));
            // Refused at the length of an X25519 share, in silence.
            assert_eq!(at_server.out.to_crypt, b"");
        }
    }
}

#[test]
fn old_server_waits_for_more_and_says_nothing() {
    let Flights { nonces, shares } = flights();
    let mut server = end(Side::Server, Some(KeyExchange::Modp2048));
    server.take_crypt();
    server.receive(&nonces[0]).unwrap();
    server.receive(&shares[0]).unwrap();
    assert_eq!(server.session.status(), Ok(Status::Handshaking));
    assert_eq!(server.out.to_crypt, b"");
    assert_eq!(server.session.crypt_eof(), Err(PeerFault::CutOffInHandshake.into()));
}

#[test]
fn shares_are_64_bytes_and_nothing_in_them_can_be_changed() {
    let Flights { nonces, shares } = flights();
    let wrong_key: Result<(), Error> = Err(PeerFault::WrongKey.into());
    assert_eq!(shares.each_ref().map(Vec::len), [SHARE_LEN; 2]);
    for at in 0..SHARE_LEN {
        for bit in 0..8 {
            let [mut to_server, mut to_client] = shares.clone();
            to_server[at] ^= 1 << bit;
            to_client[at] ^= 1 << bit;

            let mut server = end(Side::Server, Some(KeyExchange::X25519));
            server.take_crypt();
            server.receive(&nonces[0]).unwrap();
            assert_eq!(server.receive(&to_server), wrong_key, "bit {bit} of byte {at}");
            assert_eq!(server.out.to_crypt, b"");

            // One that accepts both waits for the rest of a longer share, and
            // whatever that is, it is none.
            let mut server = end(Side::Server, None);
            server.take_crypt();
            server.receive(&nonces[0]).unwrap();
            server.receive(&to_server).unwrap();
            assert_eq!(server.session.status(), Ok(Status::Handshaking));
            assert_eq!(server.receive(&[0; 288 - SHARE_LEN]), wrong_key);
            assert_eq!(server.out.to_crypt, b"");

            let mut client = end(Side::Client, Some(KeyExchange::X25519));
            client.compute().unwrap();
            client.receive(&nonces[1]).unwrap();
            assert_eq!(client.receive(&to_client), wrong_key, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn server_finds_which_of_its_keys_the_client_holds() {
    for held in [0, 1, 25, 49] {
        let keys = (0..50).map(psk).collect();
        let server = config(Side::Server, None);
        let mut server = End::of(server, keys, &entropy(Side::Server));
        let client = config(Side::Client, Some(KeyExchange::X25519));
        let mut client = End::of(client, vec![psk(held)], &entropy(Side::Client));
        shake_hands(&mut client, &mut server).unwrap();
        assert_eq!(server.session.peer_secret(), Some(held.into()));
        server.receive(&client.seal(b"it is me")).unwrap();
        assert_eq!(server.take_plain(), b"it is me");
    }
}

/// Two packets and whatever says that there are no more.
fn stream(client: &mut End) -> Vec<u8> {
    let mut stream = client.seal(&[7; 1025]);
    client.session.plain_eof(&mut client.out).unwrap();
    stream.extend(client.take_crypt());
    stream
}

#[test]
fn end_mark_tells_a_whole_stream_from_one_that_was_cut() {
    let (mut client, _) = established_by(KeyExchange::X25519);
    let stream = stream(&mut client);
    assert_eq!(stream.len(), 3 * PACKET_LEN);
    for length in 0..=stream.len() {
        let (_, mut server) = established_by(KeyExchange::X25519);
        server.receive(&stream[..length]).unwrap();
        let expected = match length {
            whole if whole == stream.len() => Ok(()),
            boundary if boundary % PACKET_LEN == 0 => Err(PeerFault::CutOffBeforeEnd.into()),
            _ => Err(PeerFault::CutOffInPacket.into()),
        };
        assert_eq!(server.session.crypt_eof(), expected, "after {length} bytes");
    }
}

/// What docs/protocol.md says about upstream's form.
#[test]
fn without_it_a_cut_between_packets_looks_like_an_end() {
    let (mut client, _) = established_by(KeyExchange::Modp2048);
    let stream = stream(&mut client);
    assert_eq!(stream.len(), 2 * PACKET_LEN);
    for length in 0..=stream.len() {
        let (_, mut server) = established_by(KeyExchange::Modp2048);
        server.receive(&stream[..length]).unwrap();
        let expected = match length % PACKET_LEN {
            0 => Ok(()),
            _ => Err(PeerFault::CutOffInPacket.into()),
        };
        assert_eq!(server.session.crypt_eof(), expected, "after {length} bytes");
    }
}

#[test]
fn a_direction_ends_without_the_other() {
    let (mut client, mut server) = established_by(KeyExchange::X25519);
    server.receive(&stream(&mut client)).unwrap();
    server.session.crypt_eof().unwrap();
    client.receive(&server.seal(b"late reply")).unwrap();
    assert_eq!(client.take_plain(), b"late reply");
    assert_eq!(client.session.crypt_eof(), Err(PeerFault::CutOffBeforeEnd.into()));
}

#[test]
fn nobodys_own_share_comes_back_as_an_answer() {
    let Flights { nonces, shares } = flights();
    // Both the client's nonce and its share are sent back to it.
    let mut client = end(Side::Client, Some(KeyExchange::X25519));
    client.compute().unwrap();
    client.receive(&nonces[0]).unwrap();
    client.take_crypt();
    assert_eq!(client.receive(&shares[0]), Err(PeerFault::WrongKey.into()));

    // Two clients that are connected with each other.
    let mut client = end(Side::Client, Some(KeyExchange::X25519));
    let mut other = End::of(
        config(Side::Client, Some(KeyExchange::X25519)),
        vec![psk(7)],
        &entropy(Side::Server),
    );
    for end in [&mut client, &mut other] {
        end.compute().unwrap();
    }
    client.receive(&nonces[1]).unwrap();
    other.take_crypt();
    other.receive(&nonces[0]).unwrap();
    let share = other.take_crypt();
    assert_eq!(client.receive(&share), Err(PeerFault::WrongKey.into()));
}
