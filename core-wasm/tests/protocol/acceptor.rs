//! Who is there?

use proptest::prelude::*;
use spiped_core::{
    Acceptor, Authenticated, ForwardSecrecy, KeyExchange, Misuse, PeerFault, ServerConfig, Session,
    SoftKeySearch, Verdict,
};

use crate::pair::{Party, Server, choice, psk};
use crate::peer_faults::hmac;

const ANY: ServerConfig = ServerConfig::Any(ForwardSecrecy::Offer);
const MODP2048: ServerConfig = ServerConfig::Modp2048(ForwardSecrecy::Offer);
const EXCHANGES: [(KeyExchange, usize); 2] =
    [(KeyExchange::X25519, 96), (KeyExchange::Modp2048, 320)];

fn hello(exchange: KeyExchange, server: &Server) -> Vec<u8> {
    Party::connect(choice(exchange), &psk(7)).hello(server)
}

/// Bytes that `psk(7)` has made with modp2048, and of which the first 96 are a
/// hello that `psk(1)` has made with X25519. It takes both keys to make them.
fn hello_in_both_forms(server: &Server) -> Vec<u8> {
    let mut hello = Party::connect(choice(KeyExchange::X25519), &psk(1)).hello(server);
    hello.resize(288, 0x55);
    // HMAC(psk, nonces || 1) is the client's MAC key.
    let mac_key = hmac(&[7; 32], &[&hello[..32], &server.nonce, &[0, 0, 0, 1]].concat());
    let mac = hmac(&mac_key, &hello[32..]);
    hello.extend(mac);
    hello
}

/// protocol.md.
#[test]
fn server_finds_which_of_its_keys_the_client_has() {
    let server = Server::new(ANY, (0..50).map(psk).collect());
    for (exchange, length) in EXCHANGES {
        for held in [0, 1, 25, 49] {
            let hello = Party::connect(choice(exchange), &psk(held)).hello(&server);
            let expected = Authenticated {
                psk_index: held.into(),
                key_exchange: exchange,
                hello_len: length.try_into().unwrap(),
            };
            assert_eq!(server.identify(&hello), Verdict::Authenticated(expected));
            // What follows belongs to the session.
            let more = [&hello[..], b"packets"].concat();
            assert_eq!(server.identify(&more), Verdict::Authenticated(expected));
        }
    }
}

/// As with a client that stops after the shorter form. protocol.md A-1.
#[test]
fn bytes_that_are_a_hello_in_both_forms_are_the_shorter_one() {
    for (config, expected) in [
        (ANY, (0, KeyExchange::X25519)),
        (ServerConfig::X25519, (0, KeyExchange::X25519)),
        (MODP2048, (1, KeyExchange::Modp2048)),
    ] {
        let server = Server::new(config, vec![psk(1), psk(7)]);
        let Verdict::Authenticated(client) = server.identify(&hello_in_both_forms(&server)) else {
            panic!("nobody is authenticated for {config:?}");
        };
        assert_eq!((client.psk_index, client.key_exchange), expected, "{config:?}");
    }
}

/// protocol.md A-4.
#[test]
fn more_is_asked_for_by_length_alone() {
    for (config, lengths) in
        [(ANY, &[96, 320][..]), (MODP2048, &[320]), (ServerConfig::X25519, &[96])]
    {
        let server = Server::new(config, vec![psk(7)]);
        for received in 0..400_usize {
            let verdict = server.identify(&vec![b'x'; received]);
            let longer = lengths.iter().find(|length| **length > received);
            let expected = longer.map_or(Verdict::Refused(PeerFault::WrongKey), |length| {
                Verdict::More(u32::try_from(length - received).unwrap())
            });
            assert_eq!(verdict, expected, "{received} bytes for {config:?}");
        }
    }
}

#[test]
fn part_of_a_hello_authenticates_nobody() {
    let server = Server::any();
    for (exchange, length) in EXCHANGES {
        let hello = hello(exchange, &server);
        assert_eq!(hello.len(), length);
        for length in 0..length {
            assert!(matches!(server.identify(&hello[..length]), Verdict::More(_)), "{length}");
        }
    }
}

#[test]
fn every_corrupted_byte_of_a_hello_is_noticed() {
    let server = Server::any();
    for (exchange, length) in EXCHANGES {
        let genuine = hello(exchange, &server);
        for byte in 0..length {
            let mut hello = genuine.clone();
            hello[byte] ^= 1;
            assert!(server.accept(&[&hello[..], &[0; 320]].concat()).is_err(), "{byte}");
        }
    }
}

#[test]
fn hello_answers_one_nonce() {
    let (server, mut other) = (Server::any(), Server::any());
    other.nonce[0] ^= 1;
    for (exchange, _) in EXCHANGES {
        let hello = [&hello(exchange, &server)[..], &[0; 320]].concat();
        assert_eq!(other.identify(&hello), Verdict::Refused(PeerFault::WrongKey));
    }
}

/// protocol.md R-3.
#[test]
fn our_own_nonce_is_refused_at_once() {
    let server = Server::any();
    let reflected = Verdict::Refused(PeerFault::Reflected);
    assert_eq!(server.identify(&server.nonce), reflected);
    assert_eq!(server.identify(&[&server.nonce[..], &[0; 320]].concat()), reflected);
    assert_eq!(server.identify(&server.nonce[..31]), Verdict::More(65));
}

#[test]
fn without_keys_nobody_authenticates() {
    let nobody = Server::new(ANY, vec![]);
    let hello = hello(KeyExchange::Modp2048, &nobody);
    assert_eq!(nobody.identify(&hello), Verdict::Refused(PeerFault::WrongKey));
}

/// protocol.md A-7.
#[test]
fn key_exchange_that_is_not_accepted_is_told_from_a_wrong_key() {
    let old = Server::new(MODP2048, vec![psk(7)]);
    let stranger = Party::connect(choice(KeyExchange::X25519), &psk(8)).hello(&old);
    let hello = hello(KeyExchange::X25519, &old);
    let fault =
        |server: &Server, received: &[u8]| server.acceptor.fault_at_eof(&server.nonce, received);
    assert_eq!(old.identify(&hello), Verdict::More(320 - 96));
    assert_eq!(fault(&old, &hello), PeerFault::KeyExchangeNotAccepted);
    assert_eq!(fault(&old, &stranger), PeerFault::TruncatedInHandshake);
    // A whole X25519 hello under none of the keys.
    assert_eq!(fault(&Server::any(), &stranger), PeerFault::WrongKey);
    for length in [0, 1, 31, 32, 95, 97, 319] {
        let received = [&hello[..], &[0; 320]].concat();
        let fault = fault(&old, &received[..length]);
        assert_eq!(fault, PeerFault::TruncatedInHandshake, "{length}");
    }
}

/// protocol.md A-6.
#[test]
fn same_key_twice_is_refused() {
    let new = |psks: &[u8]| {
        let psks: Vec<_> = psks.iter().copied().map(psk).collect();
        Acceptor::<SoftKeySearch>::new(ANY, &psks).err()
    };
    assert_eq!(new(&[]), None);
    assert_eq!(new(&[1, 2, 3]), None);
    assert_eq!(new(&[1, 2, 1]), Some(Misuse::DuplicatePsk));
    assert_eq!(new(&[1, 1]), Some(Misuse::DuplicatePsk));
}

/// protocol.md A-8.
#[test]
fn session_checks_all_of_it_again() {
    let server = Server::any();
    let entropy = spiped_core::ExponentEntropy::copy_of(&[3; 32]);
    let accept = |config, nonce, hello: &[u8], psk| {
        Session::<spiped_core::SoftPacketCrypto>::accept(config, nonce, hello, &psk, &entropy).err()
    };
    let [x25519, modp2048] = EXCHANGES.map(|(exchange, _)| hello(exchange, &server));
    for hello in [&x25519, &modp2048] {
        assert_eq!(accept(ANY, &server.nonce, hello, psk(7)), None);
        let wrong_key = Some(PeerFault::WrongKey.into());
        assert_eq!(accept(ANY, &server.nonce, hello, psk(8)), wrong_key);
        assert_eq!(accept(ANY, &[9; 32], hello, psk(7)), wrong_key);
        let reflected = [&server.nonce[..], &hello[32..]].concat();
        let fault = accept(ANY, &server.nonce, &reflected, psk(7));
        assert_eq!(fault, Some(PeerFault::Reflected.into()));
    }
    let hello_length = Some(Misuse::HelloLength.into());
    assert_eq!(accept(ServerConfig::X25519, &server.nonce, &modp2048, psk(7)), hello_length);
    assert_eq!(accept(MODP2048, &server.nonce, &x25519, psk(7)), hello_length);
    for length in (0..320).filter(|length| *length != 96) {
        let fault = accept(ANY, &server.nonce, &modp2048[..length], psk(7));
        assert_eq!(fault, hello_length, "{length}");
    }
}

const HELLOS: [fn(&Server) -> Vec<u8>; 3] = [
    |server| hello(KeyExchange::X25519, server),
    |server| hello(KeyExchange::Modp2048, server),
    hello_in_both_forms,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// An acceptor asked at any points comes to what it would have come to at
    /// any later one.
    /// protocol.md.
    #[test]
    fn verdict_is_the_same_however_the_bytes_are_split(
        hello in prop::sample::select(HELLOS.to_vec()),
        changed in prop::option::weighted(0.5, (0..400_usize, 1..=255_u8)),
        cuts in prop::collection::vec(0..400_usize, 0..8),
        config in prop::sample::select(vec![ANY, MODP2048, ServerConfig::X25519]),
    ) {
        let server = Server::new(config, vec![psk(1), psk(7)]);
        let mut stream = hello(&server);
        stream.resize(400, 0x55);
        if let Some((at, with)) = changed {
            stream[at] ^= with;
        }
        let mut cuts = cuts;
        cuts.push(stream.len());
        cuts.sort_unstable();
        let verdicts: Vec<_> = cuts.iter().map(|cut| server.identify(&stream[..*cut])).collect();
        let last = verdicts[verdicts.len() - 1];
        prop_assert!(!matches!(last, Verdict::More(_)));
        for (cut, verdict) in cuts.iter().zip(verdicts) {
            match verdict {
                Verdict::More(more) => {
                    let until = cut + usize::try_from(more).unwrap();
                    prop_assert!(stream.len() >= until);
                    for length in *cut..until {
                        let rest = u32::try_from(until - length).unwrap();
                        prop_assert_eq!(server.identify(&stream[..length]), Verdict::More(rest));
                    }
                }
                Verdict::Authenticated(_) | Verdict::Refused(_) => prop_assert_eq!(verdict, last),
            }
        }
    }
}
