//! The key exchange X25519: who agrees with whom, and what nobody can change.

use spiped_core::{
    ClientConfig, Error, ForwardSecrecy, KeyExchange, PACKET_LEN, PeerFault, ServerConfig, Verdict,
};

use crate::pair::{Party, Server, choice, entropy, established_by, psk, shake_hands};

const SHARE_LEN: usize = 64;

fn client() -> Party {
    Party::connect(ClientConfig::X25519, &psk(7))
}

fn server(config: ServerConfig) -> Server {
    Server::new(config, vec![psk(7)])
}

/// protocol.md.
#[test]
fn server_goes_by_the_clients_choice_within_its_own() {
    let modp2048 = ServerConfig::Modp2048(ForwardSecrecy::Offer);
    let any = ServerConfig::Any(ForwardSecrecy::Offer);
    for (exchange, config, agreed) in [
        (KeyExchange::Modp2048, any, true),
        (KeyExchange::X25519, any, true),
        (KeyExchange::X25519, ServerConfig::Any(ForwardSecrecy::Omit), true),
        (KeyExchange::Modp2048, modp2048, true),
        (KeyExchange::X25519, ServerConfig::X25519, true),
        (KeyExchange::Modp2048, ServerConfig::X25519, false),
    ] {
        let mut client = Party::connect(choice(exchange), &psk(7));
        let result = shake_hands(&mut client, &server(config));
        if agreed {
            result.unwrap().receive(&client.seal(b"it is me")).unwrap();
        } else {
            assert_eq!(result.err(), Some(PeerFault::WrongKey.into()), "{config:?}");
        }
    }
}

/// protocol.md H-3.
#[test]
fn old_server_waits_for_more_and_says_nothing() {
    let server = server(ServerConfig::Modp2048(ForwardSecrecy::Offer));
    assert_eq!(server.identify(&client().hello(&server)), Verdict::More(224));
}

#[test]
fn shares_are_64_bytes_and_nothing_in_them_can_be_changed() {
    let wrong_key = PeerFault::WrongKey;
    let [alone, any] = [ServerConfig::X25519, ServerConfig::Any(ForwardSecrecy::Offer)].map(server);
    let hello = client().hello(&any);
    let share = any.answer(&hello).unwrap().take_crypt();
    assert_eq!([hello.len(), share.len()], [32 + SHARE_LEN, SHARE_LEN]);
    for at in 0..SHARE_LEN {
        for bit in 0..8 {
            let (mut to_server, mut to_client) = (hello.clone(), share.clone());
            to_server[32 + at] ^= 1 << bit;
            to_client[at] ^= 1 << bit;

            assert_eq!(alone.identify(&to_server), Verdict::Refused(wrong_key));
            // One that accepts both waits for the rest of a longer share, and
            // whatever that is, it is none.
            assert_eq!(any.identify(&to_server), Verdict::More(288 - 64));
            to_server.resize(320, 0);
            assert_eq!(any.identify(&to_server), Verdict::Refused(wrong_key));

            let mut client = client();
            client.hello(&any);
            let result = client.receive(&to_client);
            assert_eq!(result, Err(wrong_key.into()), "bit {bit} of byte {at}");
        }
    }
}

/// Two packets and whatever says that there are no more.
fn stream(client: &mut Party) -> Vec<u8> {
    let mut stream = client.seal(&[7; 1025]);
    stream.extend(client.plain_eof());
    stream
}

/// protocol.md E-1, E-6, E-7.
#[test]
fn end_mark_tells_a_whole_stream_from_a_truncated_one() {
    let (mut client, _) = established_by(KeyExchange::X25519);
    let stream = stream(&mut client);
    assert_eq!(stream.len(), 3 * PACKET_LEN);
    for length in 0..=stream.len() {
        let (_, mut server) = established_by(KeyExchange::X25519);
        server.receive(&stream[..length]).unwrap();
        let expected = match length {
            whole if whole == stream.len() => Ok(()),
            boundary if boundary % PACKET_LEN == 0 => Err(PeerFault::TruncatedBeforeEndMark.into()),
            _ => Err(PeerFault::TruncatedInPacket.into()),
        };
        assert_eq!(server.session.crypt_eof(), expected, "after {length} bytes");
    }
}

/// What docs/protocol.md says about upstream's form.
/// protocol.md E-7.
#[test]
fn without_it_a_truncation_between_packets_looks_like_an_end() {
    let (mut client, _) = established_by(KeyExchange::Modp2048);
    let stream = stream(&mut client);
    assert_eq!(stream.len(), 2 * PACKET_LEN);
    for length in 0..=stream.len() {
        let (_, mut server) = established_by(KeyExchange::Modp2048);
        server.receive(&stream[..length]).unwrap();
        let expected = match length % PACKET_LEN {
            0 => Ok(()),
            _ => Err(PeerFault::TruncatedInPacket.into()),
        };
        assert_eq!(server.session.crypt_eof(), expected, "after {length} bytes");
    }
}

/// protocol.md E-4.
#[test]
fn a_direction_ends_without_the_other() {
    let (mut client, mut server) = established_by(KeyExchange::X25519);
    server.receive(&stream(&mut client)).unwrap();
    server.session.crypt_eof().unwrap();
    client.receive(&server.seal(b"late reply")).unwrap();
    assert_eq!(client.take_plain(), b"late reply");
    assert_eq!(client.session.crypt_eof(), Err(PeerFault::TruncatedBeforeEndMark.into()));
}

#[test]
fn clients_that_are_connected_with_each_other_refuse_each_other() {
    let mut ends =
        [1, 2].map(|seed| Party::connect_with(ClientConfig::X25519, &psk(7), &entropy(seed)));
    let [client, other] = &mut ends;
    let nonces = [client.take_crypt(), other.take_crypt()];
    client.receive(&nonces[1]).unwrap();
    other.receive(&nonces[0]).unwrap();
    let wrong_key: Result<(), Error> = Err(PeerFault::WrongKey.into());
    assert_eq!(client.receive(&other.take_crypt()), wrong_key);
    assert_eq!(other.receive(&client.take_crypt()), wrong_key);
}

#[test]
fn clients_own_share_is_no_answer() {
    let mut client = client();
    let share = client.hello(&Server::any()).split_off(32);
    assert_eq!(client.receive(&share), Err(PeerFault::WrongKey.into()));
}
