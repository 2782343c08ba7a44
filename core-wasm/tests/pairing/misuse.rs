//! What a host can do wrong.

use spiped_core::Side;
use spiped_core::pairing::{Entropy, Error, Exchange, Misuse, Status};

use crate::parties::{CODE, MODES, Party, converse, entropy};

#[test]
fn code_has_6_to_1024_printable_ascii_characters() {
    let new = |code: &str| Exchange::new(Side::Client, Some(code), &entropy(1)).err();
    let long = "x".repeat(1024);
    for code in ["123456", "  123456\n", "1-2 3-4 5-6", &long] {
        assert_eq!(new(code), None, "{code}");
    }
    let too_long = "x".repeat(1025);
    for code in ["", "12345", " 12345 ", "1-2-3-4-5", &too_long] {
        assert_eq!(new(code), Some(Misuse::CodeLength), "{code}");
    }
    for code in ["gr\u{fc}ner Kessel", "blue\0kettle", "blue\tkettle"] {
        assert_eq!(new(code), Some(Misuse::CodeCharacters), "{code}");
    }
}

#[test]
fn start_comes_first_and_once() {
    type Call = fn(&mut Exchange, &mut Vec<u8>) -> Result<(), Error>;
    let calls: [Call; 4] = [
        |exchange, out| exchange.receive(b"", out),
        |exchange, out| exchange.confirm(out),
        |exchange, _| exchange.reject(),
        |exchange, _| exchange.eof(),
    ];
    for call in calls {
        let mut exchange = Exchange::new(Side::Server, None, &entropy(1)).unwrap();
        let mut out = Vec::new();
        assert_eq!(call(&mut exchange, &mut out), Err(Misuse::StartOrder.into()));
        assert_eq!(exchange.start(&mut out), Err(Misuse::StartOrder.into()));
        assert_eq!(out, b"");
    }
    let mut client = Party::client(None);
    assert_eq!(client.exchange.start(&mut Vec::new()), Err(Misuse::StartOrder.into()));
}

#[test]
fn only_a_string_is_confirmed_and_once() {
    let nothing = Err(Misuse::NothingToConfirm.into());
    assert_eq!(Party::client(None).confirm(), nothing);

    for code in [None, Some(CODE)] {
        let (mut client, mut server) = (Party::client(code), Party::server(code));
        let hello = server.receive(&client.take()).unwrap();
        assert_eq!(server.confirm(), nothing);
        client.receive(&hello).unwrap();
        if code.is_none() {
            client.confirm().unwrap();
        }
        assert_eq!(client.confirm(), nothing);
    }
}

#[test]
fn only_a_string_is_rejected() {
    for code in MODES {
        let mut client = Party::client(code);
        assert_eq!(client.reject(), Err(Misuse::NothingToConfirm.into()));
        assert_eq!(client.error(), Some(Misuse::NothingToConfirm.into()));
    }
}

#[test]
fn key_is_taken_once_and_not_before_it_is_agreed_on() {
    let no_key = || Some(Error::from(Misuse::NoKey));
    for code in MODES {
        let mut client = Party::client(code);
        assert_eq!(client.exchange.take_key().err(), no_key());
        assert_eq!(client.error(), no_key());

        let (mut client, mut server) = (Party::client(code), Party::server(code));
        converse(&mut client, &mut server).unwrap();
        assert!(client.key().is_some(), "this end has taken it");
        assert_eq!(client.exchange.status(), Ok(Status::Agreed));
        assert_eq!(client.exchange.take_key().err(), no_key());
        assert_eq!(client.error(), no_key());
    }
}

#[test]
fn entropy_of_equal_bytes_is_refused() {
    for byte in [0, 1, 0xff] {
        let mut bytes = [byte; 32];
        let new =
            |bytes: &[u8; 32]| Exchange::new(Side::Client, None, &Entropy::copy_of(bytes)).err();
        assert_eq!(new(&bytes), Some(Misuse::BrokenRandomness));
        bytes[17] ^= 0x20;
        assert_eq!(new(&bytes), None);
    }
}

#[test]
fn nothing_comes_after_the_end() {
    let (mut client, mut server) = (Party::client(Some(CODE)), Party::server(Some(CODE)));
    converse(&mut client, &mut server).unwrap();
    assert_eq!(client.exchange.eof(), Ok(()));
    assert_eq!(client.exchange.eof(), Err(Misuse::AfterEof.into()));
    assert_eq!(server.exchange.eof(), Ok(()));
    assert_eq!(server.receive(b"x"), Err(Misuse::AfterEof.into()));
}
