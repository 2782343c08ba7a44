//! What our own host can do wrong.

use spiped_core::{
    ClientConfig, Entropy, Error, ExponentEntropy, ForwardSecrecy, KeyExchange, Misuse, Output,
    PACKET_LEN, RUN_MAX, ServerConfig, Session, SoftPacketCrypto, Status,
};

use crate::pair::{Party, Server, choice, entropy, established, established_by, psk};

const OFFER: ClientConfig = ClientConfig::Modp2048(ForwardSecrecy::Offer);

fn connect(entropy: &Entropy) -> Result<Session<SoftPacketCrypto>, Misuse> {
    Session::connect(OFFER, &psk(7), entropy)
}

/// protocol.md R-2.
#[test]
fn nonce_that_is_the_exponent_is_refused() {
    for uniform in [0, 1, 0xff] {
        let equal = Entropy::copy_of(&[uniform; 64]);
        assert_eq!(connect(&equal).err(), Some(Misuse::BrokenRandomness));
    }
    let repeated = Entropy::build(|bytes| {
        for (byte, value) in bytes.iter_mut().zip((0..32).cycle()) {
            *byte = value;
        }
    });
    assert_eq!(connect(&repeated).err(), Some(Misuse::BrokenRandomness));
    let different = Entropy::build(|bytes| {
        *bytes = *repeated.expose();
        bytes[63] ^= 1;
    });
    assert_eq!(connect(&different).err(), None);
}

/// protocol.md R-2.
#[test]
fn servers_nonce_that_is_its_exponent_is_refused() {
    let config = ServerConfig::Any(ForwardSecrecy::Offer);
    let server = Server::any();
    let hello = Party::client().hello(&server);
    for (last, broken) in [(2, true), (3, false)] {
        let entropy = ExponentEntropy::build(|bytes| {
            *bytes = server.nonce;
            bytes[31] = last;
        });
        let session =
            Session::<SoftPacketCrypto>::accept(config, &server.nonce, &hello, &psk(7), &entropy);
        let expected = broken.then_some(Error::from(Misuse::BrokenRandomness));
        assert_eq!(session.err(), expected);
    }
}

#[test]
fn start_comes_first_and_once() {
    type Call = fn(&mut Session<SoftPacketCrypto>, &mut Output) -> Result<(), Error>;
    let calls: [Call; 6] = [
        |session, out| session.compute(out),
        |session, out| session.handle_crypt(b"x", out),
        |session, out| session.handle_plain(b"x", out),
        |session, _| session.crypt_eof(),
        |session, out| session.plain_eof(out),
        |session, _| session.suspend().map(drop),
    ];
    for call in calls {
        let mut session = connect(&entropy(1)).unwrap();
        let mut out = Output::default();
        assert_eq!(call(&mut session, &mut out), Err(Misuse::StartOrder.into()));
        assert_eq!(session.start(&mut out), Err(Misuse::StartOrder.into()));
        assert_eq!(out, Output::default());
    }
    for mut end in [Party::client(), established().0, established().1] {
        end.take_crypt();
        assert_eq!(end.session.start(&mut end.out), Err(Misuse::StartOrder.into()));
        assert_eq!(end.out.to_crypt, b"");
    }
}

/// protocol.md H-5.
#[test]
fn nothing_is_sealed_before_the_session_is_established() {
    let misuse = Err(Misuse::NotEstablished.into());
    let mut client = Party::client();
    assert_eq!(client.session.handle_plain(b"secret", &mut client.out), misuse);
    assert_eq!(client.out.to_crypt.len(), 32);

    let server = Server::any();
    let mut server = server.accept(&Party::client().hello(&server)).unwrap();
    assert_eq!(server.session.handle_plain(b"secret", &mut server.out), misuse);
    assert_eq!(server.out.to_crypt, b"");
}

#[test]
fn nothing_is_computed_unless_due() {
    let misuse = Err(Misuse::NothingToCompute.into());
    for mut end in [Party::client(), established().0, established().1] {
        assert_eq!(end.session.compute(&mut end.out), misuse);
    }
}

#[test]
fn no_more_than_a_batch_is_kept_while_a_value_is_due() {
    const BATCH: usize = RUN_MAX * PACKET_LEN;
    for exchange in [KeyExchange::Modp2048, KeyExchange::X25519] {
        let ends = || {
            let client = Session::connect(choice(exchange), &psk(7), &entropy(1)).unwrap();
            let server = Server::any();
            let hello = Party::connect(choice(exchange), &psk(7)).hello(&server);
            [Party::of(client), server.accept(&hello).unwrap()]
        };
        for mut end in ends() {
            assert_eq!(end.session.status(), Ok(Status::WantsCompute));
            for length in [BATCH - 7, 0, 7, 0] {
                let kept = end.session.handle_crypt(&vec![0; length], &mut end.out);
                assert_eq!(kept, Ok(()));
            }
            let too_much = end.session.handle_crypt(&[0], &mut end.out);
            assert_eq!(too_much, Err(Misuse::ComputeFirst.into()));
        }
        for mut end in ends() {
            let too_much = end.session.handle_crypt(&vec![0; BATCH + 1], &mut end.out);
            assert_eq!(too_much, Err(Misuse::ComputeFirst.into()));
        }
    }
}

/// The bound is on what waits, and there is none on a call.
#[test]
fn established_session_takes_any_number_of_packets_at_once() {
    let (mut client, mut server) = established_by(KeyExchange::X25519);
    let plain = vec![b'x'; 3 * RUN_MAX * 1024];
    server.receive(&client.seal(&plain)).unwrap();
    assert_eq!(server.take_plain(), plain);
}

#[test]
fn a_side_ends_once() {
    let misuse = Err(Misuse::AfterEof.into());
    let (mut client, mut server) = established();
    client.plain_eof();
    // The other direction goes on.
    client.receive(&server.seal(b"late reply")).unwrap();
    assert_eq!(client.take_plain(), b"late reply");
    assert_eq!(client.session.handle_plain(b"more", &mut client.out), misuse);

    server.session.crypt_eof().unwrap();
    assert_eq!(server.seal(b"still going").len(), 1060);
    assert_eq!(server.session.handle_crypt(b"more", &mut server.out), misuse);

    let mut client = established().0;
    client.session.crypt_eof().unwrap();
    assert_eq!(client.session.crypt_eof(), misuse);
}
