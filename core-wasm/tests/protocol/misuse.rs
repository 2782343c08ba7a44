//! What our own host can do wrong.

use spiped_core::{
    Config, Error, ForwardSecrecy, KeyExchange, Misuse, Output, Session, Side, SoftPacketCrypto,
};

use crate::pair::{End, config, entropy, established, psk};

fn new(side: Side, keys: u8) -> Result<Session<SoftPacketCrypto>, Misuse> {
    let config = config(side, ForwardSecrecy::Offer);
    Session::new(config, (0..keys).map(psk).collect(), &entropy(side))
}

#[test]
fn client_takes_one_secret_and_server_one_or_more() {
    for (side, keys, fits) in [
        (Side::Client, 0, false),
        (Side::Client, 1, true),
        (Side::Client, 2, false),
        (Side::Server, 0, false),
        (Side::Server, 1, true),
        (Side::Server, 50, true),
    ] {
        let verdict = new(side, keys).map(drop);
        assert_eq!(verdict, if fits { Ok(()) } else { Err(Misuse::SecretCount) });
    }
}

#[test]
fn configuration_must_not_contradict_itself() {
    let [modp, x25519] = [Some(KeyExchange::Modp2048), Some(KeyExchange::X25519)];
    let [offer, omit] = [ForwardSecrecy::Offer, ForwardSecrecy::Omit];
    for (side, key_exchange, forward_secrecy, fits) in [
        (Side::Client, None, offer, false),
        (Side::Client, None, omit, false),
        (Side::Client, modp, omit, true),
        (Side::Client, x25519, offer, true),
        (Side::Client, x25519, omit, false),
        (Side::Server, None, omit, true),
        (Side::Server, x25519, ForwardSecrecy::Require, true),
        (Side::Server, x25519, omit, false),
    ] {
        let config = Config { side, key_exchange, forward_secrecy };
        let session = Session::<SoftPacketCrypto>::new(config, vec![psk(1)], &entropy(side));
        let expected = if fits { Ok(()) } else { Err(Misuse::ContradictoryConfig) };
        assert_eq!(session.map(drop), expected, "{config:?}");
    }
}

#[test]
fn start_comes_first_and_once() {
    type Call = fn(&mut Session<SoftPacketCrypto>, &mut Output) -> Result<(), Error>;
    let calls: [Call; 5] = [
        |session, out| session.compute(out),
        |session, out| session.handle_crypt(b"x", out),
        |session, out| session.handle_plain(b"x", out),
        |session, _| session.crypt_eof(),
        |session, out| session.plain_eof(out),
    ];
    for call in calls {
        let mut session = new(Side::Server, 1).unwrap();
        let mut out = Output::default();
        assert_eq!(call(&mut session, &mut out), Err(Misuse::StartOrder.into()));
        assert_eq!(session.start(&mut out), Err(Misuse::StartOrder.into()));
    }
    let mut end = End::server();
    assert_eq!(end.session.start(&mut end.out), Err(Misuse::StartOrder.into()));
}

#[test]
fn nothing_is_sealed_before_the_session_is_established() {
    let mut end = End::client();
    let misuse = Err(Misuse::NotEstablished.into());
    assert_eq!(end.session.handle_plain(b"secret", &mut end.out), misuse);
    assert_eq!(end.out.to_crypt.len(), 32);
}

#[test]
fn nothing_is_computed_unless_due() {
    let misuse = Err(Misuse::NothingToCompute.into());
    let mut server = End::server();
    assert_eq!(server.session.compute(&mut server.out), misuse);
    let mut client = established().0;
    assert_eq!(client.session.compute(&mut client.out), misuse);
}

#[test]
fn a_side_ends_once() {
    let misuse = Err(Misuse::AfterEof.into());
    let (mut client, mut server) = established();
    client.session.plain_eof(&mut client.out).unwrap();
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
