//! What a peer can do wrong, and that each is told from the others.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use spiped_core::{
    ClientConfig, Error, ForwardSecrecy, KeyExchange, PeerFault, ServerConfig, Status,
};

use crate::pair::{Party, Server, choice, established, psk, shake_hands};

/// The group's prime, 2^2048 - 2^1984 - 1 + 2^64 ([2^1918 pi] + 124476).
const PRIME: [u8; 256] = hex_literal::hex!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF"
);

/// What a server says to a client that announces this public value.
fn answer_to(value: [u8; 256], forward_secrecy: ForwardSecrecy) -> Result<Status, Error> {
    let server = Server::new(ServerConfig::Any(forward_secrecy), vec![psk(7)]);
    let nonce = [9; 32];
    // HMAC(psk, nonces || 1) is the client's MAC key.
    let mac_key = hmac(&[7; 32], &[&nonce, &server.nonce[..], &[0, 0, 0, 1]].concat());
    let hello = [&nonce[..], &value, &hmac(&mac_key, &value)].concat();
    server.answer(&hello)?.session.status()
}

/// Ends that omit forward secrecy, and are quick.
fn weak() -> (Party, Server) {
    let omit = ForwardSecrecy::Omit;
    let client = Party::connect(ClientConfig::Modp2048(omit), &psk(7));
    (client, Server::new(ServerConfig::Any(omit), vec![psk(7)]))
}

pub(crate) fn hmac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.chain_update(bytes).finalize().into_bytes().into()
}

fn small(value: u8) -> [u8; 256] {
    let mut bytes = [0; 256];
    bytes[255] = value;
    bytes
}

/// The prime plus a little, without a carry.
fn near_prime(last: u8) -> [u8; 256] {
    let mut bytes = PRIME;
    bytes[255] = last;
    bytes
}

/// protocol.md H-9.
#[test]
fn client_refuses_a_server_with_another_key() {
    let mut client = Party::client();
    let server = Server::any();
    client.hello(&server);
    let other = Server::new(ServerConfig::Any(ForwardSecrecy::Offer), vec![psk(8)]);
    let hello = Party::connect(choice(KeyExchange::Modp2048), &psk(8)).hello(&other);
    let share = other.answer(&hello).unwrap().take_crypt();
    assert_eq!(client.receive(&share), Err(PeerFault::WrongKey.into()));
    assert_eq!(client.session.psk_id(), None);
}

/// protocol.md H-4.
#[test]
fn nothing_is_sent_before_a_value_is_computed() {
    let server = Server::any();
    let mut server = server.accept(&Party::client().hello(&server)).unwrap();
    assert_eq!(server.session.status(), Ok(Status::WantsCompute));
    assert_eq!(server.out.to_crypt, b"");
    server.session.compute(&mut server.out).unwrap();
    assert_eq!(server.out.to_crypt.len(), 288);
}

/// protocol.md H-9.
#[test]
fn every_corrupted_byte_of_a_servers_share_is_noticed() {
    for byte in 0..288 {
        let (mut client, server) = weak();
        let mut share = server.answer(&client.hello(&server)).unwrap().take_crypt();
        share[byte] ^= 1;
        assert_eq!(client.receive(&share), Err(PeerFault::WrongKey.into()), "{byte}");
    }
}

/// protocol.md R-3.
#[test]
fn client_whose_nonce_comes_back_answers_nothing() {
    let mut client = Party::client();
    let nonce = client.take_crypt();
    assert_eq!(client.receive(&nonce), Err(PeerFault::Reflected.into()));
    assert_eq!(client.out.to_crypt, b"");
}

/// As if both hosts were clones of one virtual machine.
/// protocol.md R-4.
#[test]
fn ends_with_the_same_exponent_refuse_each_other() {
    for exchange in [KeyExchange::Modp2048, KeyExchange::X25519] {
        let twin = || Party::connect(choice(exchange), &psk(7));
        // The exponent of `entropy(1)`.
        let exponent = spiped_core::ExponentEntropy::copy_of(&[!1; 32]);
        let server = Server::any().with_randomness([2; 32], exponent);
        let mut client = twin();
        let hello = client.hello(&server);
        let mut end = server.accept(&hello).unwrap();
        assert_eq!(end.compute(), Err(PeerFault::Reflected.into()));
        // It did not even answer.
        assert_eq!(end.out.to_crypt, b"");
    }
}

/// protocol.md R-4.
#[test]
fn client_refuses_its_own_public_value() {
    let (mut client, server) = (Party::client(), Server::any());
    let hello = client.hello(&server);
    let value = &hello[32..288];
    // HMAC(psk, nonces || 2) is the server's MAC key.
    let mac_key = hmac(&[7; 32], &[&hello[..32], &server.nonce, &[0, 0, 0, 2]].concat());
    let share = [value, &hmac(&mac_key, value)].concat();
    assert_eq!(client.receive(&share), Err(PeerFault::Reflected.into()));
}

/// Both send the public value 1.
/// protocol.md R-4.
#[test]
fn ends_that_both_omit_forward_secrecy_do_not_take_it_for_a_reflection() {
    let (mut client, server) = weak();
    assert_eq!(shake_hands(&mut client, &server).map(drop), Ok(()));
}

/// protocol.md H-10.
#[test]
fn public_value_has_to_be_below_the_prime() {
    for value in [PRIME, [0xff; 256]] {
        for fs in [ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit] {
            assert_eq!(answer_to(value, fs), Err(PeerFault::PublicValueOutOfRange.into()));
        }
    }
}

/// protocol.md H-11.
#[test]
fn values_without_forward_secrecy_are_refused_only_if_it_is_required() {
    for value in [small(0), small(1), near_prime(0xfe)] {
        assert_eq!(answer_to(value, ForwardSecrecy::Offer), Ok(Status::Established));
        let refusal = Err(PeerFault::NoForwardSecrecy.into());
        assert_eq!(answer_to(value, ForwardSecrecy::Require), refusal);
    }
    for value in [small(2), near_prime(0xfd)] {
        assert_eq!(answer_to(value, ForwardSecrecy::Require), Ok(Status::Established));
    }
}

#[test]
fn ends_agree_whatever_they_do_about_forward_secrecy() {
    let all = [ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit];
    for (ours, theirs) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
        let mut client = Party::connect(ClientConfig::Modp2048(ours), &psk(7));
        let server = Server::new(ServerConfig::Any(theirs), vec![psk(7)]);
        let result = shake_hands(&mut client, &server);
        let clash = [(ours, theirs), (theirs, ours)]
            .contains(&(ForwardSecrecy::Require, ForwardSecrecy::Omit));
        if clash {
            assert_eq!(result.err(), Some(PeerFault::NoForwardSecrecy.into()));
        } else {
            let mut server = result.unwrap();
            server.receive(&client.seal(b"hello")).unwrap();
            assert_eq!(server.take_plain(), b"hello");
        }
    }
}

/// protocol.md F-1.
#[test]
fn forged_packet_after_good_ones_delivers_the_good_ones() {
    let (mut client, mut server) = established();
    let mut packets = client.seal(&[b'x'; 3 * 1024]);
    packets[2 * 1060] ^= 1;
    assert_eq!(server.receive(&packets), Err(PeerFault::ForgedPacket { number: 2 }.into()));
    assert_eq!(server.take_plain(), [b'x'; 2 * 1024]);
}

/// protocol.md P-3.
#[test]
fn replayed_dropped_swapped_and_reflected_packets_are_forged() {
    let (mut client, _) = established();
    let [a, b] = [client.seal(b"a"), client.seal(b"b")];
    let mut reflected = established().1;
    let own = reflected.seal(b"own");
    for (stream, number) in
        [([&a[..], &a].concat(), 1), (b.clone(), 0), ([&b[..], &a].concat(), 0), (own, 0)]
    {
        let mut server = established().1;
        let forged = PeerFault::ForgedPacket { number };
        assert_eq!(server.receive(&stream), Err(forged.into()));
    }
}

/// protocol.md F-3.
#[test]
fn failure_is_final_and_repeats() {
    let (mut client, mut server) = established();
    let mut bad = client.seal(b"bad");
    bad[0] ^= 1;
    let error = server.receive(&bad).unwrap_err();
    let good = established().0.seal(b"good");
    assert_eq!(server.receive(&good), Err(error));
    assert_eq!(server.session.handle_plain(b"x", &mut server.out), Err(error));
    assert_eq!(server.session.crypt_eof(), Err(error));
    assert_eq!(server.session.plain_eof(&mut server.out), Err(error));
    assert_eq!(server.session.compute(&mut server.out), Err(error));
    assert_eq!(server.session.start(&mut server.out), Err(error));
    assert_eq!(server.session.status(), Err(error));
    assert_eq!(server.out, spiped_core::Output::default());
}

/// protocol.md H-8.
#[test]
fn end_in_the_handshake_truncates_it() {
    let (mut client, server) = weak();
    let hello = client.hello(&server);
    for length in (0..hello.len()).filter(|length| *length != 96) {
        let fault = server.acceptor.fault_at_eof(&server.nonce, &hello[..length]);
        assert_eq!(fault, PeerFault::TruncatedInHandshake, "{length}");
    }
    let share = server.answer(&hello).unwrap().take_crypt();
    for length in 0..share.len() {
        let (mut client, server) = weak();
        client.hello(&server);
        client.receive(&share[..length]).unwrap();
        let truncated = client.session.crypt_eof();
        assert_eq!(truncated, Err(PeerFault::TruncatedInHandshake.into()), "{length}");
    }
}

#[test]
fn end_after_the_last_flight_counts_once_the_keys_are_computed() {
    let (mut client, server) = (Party::client(), Server::any());
    let mut answering = server.answer(&client.hello(&server)).unwrap();
    let mut flight = answering.take_crypt();
    flight.extend(answering.seal(b"all there is"));
    for (length, verdict) in
        [(flight.len(), Ok(())), (flight.len() - 1, Err(PeerFault::TruncatedInPacket.into()))]
    {
        let mut client = Party::client();
        client.hello(&server);
        client.session.handle_crypt(&flight[..length], &mut client.out).unwrap();
        assert_eq!(client.session.status(), Ok(Status::WantsCompute));
        assert_eq!(client.session.crypt_eof(), Ok(()));
        assert_eq!(client.compute(), verdict);
    }
}

/// protocol.md E-6.
#[test]
fn end_inside_a_packet_is_not_a_clean_end() {
    let (mut client, _) = established();
    let packet = client.seal(b"hello");
    for length in 0..=packet.len() {
        let mut server = established().1;
        server.receive(&packet[..length]).unwrap();
        let clean = length % 1060 == 0;
        let verdict = if clean { Ok(()) } else { Err(PeerFault::TruncatedInPacket.into()) };
        assert_eq!(server.session.crypt_eof(), verdict, "{length}");
    }
}
