//! What a peer can do wrong, and that each is told from the others.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use spiped_core::{Error, ForwardSecrecy, PeerFault, Side, Status};

use crate::pair::{End, entropy, established, psk, shake_hands};

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

/// What a server says to a client of ours that announces this public value.
fn answer_to(value: [u8; 256], forward_secrecy: ForwardSecrecy) -> Result<Status, Error> {
    let mut server = End::new(Side::Server, forward_secrecy);
    let nonce = [9; 32];
    // HMAC(psk, nonces || 1) is the client's MAC key.
    let mac_key = hmac(&[7; 32], &[&nonce, &server.take_crypt()[..], &[0, 0, 0, 1]].concat());
    server.receive(&nonce)?;
    server.receive(&value)?;
    server.receive(&hmac(&mac_key, &value))?;
    server.session.status()
}

fn hmac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
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

#[test]
fn wrong_key_is_refused_in_silence() {
    let mut server = End::server();
    let config = ForwardSecrecy::Offer;
    let mut client = End::with(Side::Client, config, vec![psk(8)], &entropy(Side::Client));
    let error = shake_hands(&mut client, &mut server).unwrap_err();
    assert_eq!(error, PeerFault::WrongKey.into());
    assert_eq!(server.session.peer_secret(), None);
    // Nothing after the nonce.
    assert_eq!(server.out.to_crypt, b"");
}

#[test]
fn server_finds_which_of_its_keys_the_client_holds() {
    let keys = || (0..50).map(psk).collect::<Vec<_>>();
    for held in [0, 1, 25, 49] {
        let fs = ForwardSecrecy::Omit;
        let mut server = End::with(Side::Server, fs, keys(), &entropy(Side::Server));
        let mut client = End::with(Side::Client, fs, vec![psk(held)], &entropy(Side::Client));
        shake_hands(&mut client, &mut server).unwrap();
        assert_eq!(server.session.peer_secret(), Some(u32::from(held)));
        assert_eq!(client.session.peer_secret(), Some(0));
    }
}

#[test]
fn peer_is_known_before_anything_is_computed_for_it() {
    let (mut client, mut server) = (End::client(), End::server());
    client.compute().unwrap();
    client.receive(&server.take_crypt()).unwrap();
    server.session.handle_crypt(&client.take_crypt(), &mut server.out).unwrap();
    assert_eq!(server.session.status(), Ok(Status::Computing));
    assert_eq!(server.session.peer_secret(), Some(0));
    assert_eq!(server.out.to_crypt, b"");
}

#[test]
fn every_corrupted_byte_of_a_key_share_is_noticed() {
    for byte in 0..288 {
        let (mut client, mut server) = (End::client(), End::server());
        client.receive(&server.take_crypt()).unwrap();
        client.compute().unwrap();
        let mut flight = client.take_crypt();
        flight[32 + byte] ^= 1;
        assert_eq!(server.receive(&flight), Err(PeerFault::WrongKey.into()), "{byte}");
    }
}

#[test]
fn public_value_has_to_be_below_the_prime() {
    for value in [PRIME, [0xff; 256]] {
        for fs in [ForwardSecrecy::Offer, ForwardSecrecy::Require, ForwardSecrecy::Omit] {
            assert_eq!(answer_to(value, fs), Err(PeerFault::PublicValueOutOfRange.into()));
        }
    }
}

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
        let mut client = End::new(Side::Client, ours);
        let mut server = End::new(Side::Server, theirs);
        let result = shake_hands(&mut client, &mut server);
        let clash = [(ours, theirs), (theirs, ours)]
            .contains(&(ForwardSecrecy::Require, ForwardSecrecy::Omit));
        if clash {
            assert_eq!(result, Err(PeerFault::NoForwardSecrecy.into()));
        } else {
            assert_eq!(result, Ok(()));
            server.receive(&client.seal(b"hello")).unwrap();
            assert_eq!(server.take_plain(), b"hello");
        }
    }
}

#[test]
fn forged_packet_after_good_ones_delivers_the_good_ones() {
    let (mut client, mut server) = established();
    let mut packets = client.seal(&[b'x'; 3 * 1024]);
    packets[2 * 1060] ^= 1;
    assert_eq!(server.receive(&packets), Err(PeerFault::ForgedPacket { number: 2 }.into()));
    assert_eq!(server.take_plain(), [b'x'; 2 * 1024]);
}

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

#[test]
fn end_in_the_handshake_cuts_it_off() {
    let (mut client, mut server) = (End::client(), End::server());
    client.receive(&server.take_crypt()).unwrap();
    client.compute().unwrap();
    let flight = client.take_crypt();
    for length in 0..flight.len() {
        let mut server = End::server();
        server.receive(&flight[..length]).unwrap();
        let cut = server.session.crypt_eof();
        assert_eq!(cut, Err(PeerFault::CutOffInHandshake.into()), "{length}");
    }
    assert_eq!(client.session.crypt_eof(), Err(PeerFault::CutOffInHandshake.into()));
}

#[test]
fn end_after_the_last_flight_counts_once_the_keys_are_computed() {
    let (mut client, mut server) = (End::client(), End::server());
    client.receive(&server.take_crypt()).unwrap();
    client.compute().unwrap();
    server.receive(&client.take_crypt()).unwrap();
    let mut flight = server.take_crypt();
    flight.extend(server.seal(b"all there is"));
    for (length, verdict) in
        [(flight.len(), Ok(())), (flight.len() - 1, Err(PeerFault::CutOffInPacket.into()))]
    {
        let mut client = End::client();
        client.compute().unwrap();
        client.receive(&End::server().take_crypt()).unwrap();
        client.session.handle_crypt(&flight[..length], &mut client.out).unwrap();
        assert_eq!(client.session.status(), Ok(Status::Computing));
        assert_eq!(client.session.crypt_eof(), Ok(()));
        assert_eq!(client.compute(), verdict);
    }
}

#[test]
fn end_inside_a_packet_is_not_a_clean_end() {
    let (mut client, _) = established();
    let packet = client.seal(b"hello");
    for length in 0..=packet.len() {
        let mut server = established().1;
        server.receive(&packet[..length]).unwrap();
        let clean = length % 1060 == 0;
        let verdict = if clean { Ok(()) } else { Err(PeerFault::CutOffInPacket.into()) };
        assert_eq!(server.session.crypt_eof(), verdict, "{length}");
    }
}
