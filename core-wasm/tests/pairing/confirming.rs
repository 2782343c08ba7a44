//! Nothing is agreed on unless both have confirmed.

use spiped_core::pairing::{Error, Misuse, PeerFault, Status};

use crate::parties::{CODE, Party};

/// Two ends that show their strings.
fn comparing() -> (Party, Party) {
    let (mut client, mut server) = (Party::client(None), Party::server(None));
    let hello = server.receive(&client.take()).unwrap();
    let value = client.receive(&hello).unwrap();
    assert_eq!(server.receive(&value).unwrap(), b"");
    (client, server)
}

#[test]
fn both_ends_show_the_same_twelve_digits() {
    let (client, server) = comparing();
    let string = client.string().unwrap();
    assert_eq!(server.string().as_ref(), Some(&string));
    let groups: Vec<_> = string.split(' ').collect();
    assert_eq!(groups.len(), 3);
    for group in groups {
        assert_eq!(group.len(), 4, "{string}");
        assert!(group.bytes().all(|byte| byte.is_ascii_digit()), "{string}");
    }
}

#[test]
fn one_yes_is_not_enough() {
    let (mut client, mut server) = comparing();
    let tag = client.confirm().unwrap();
    assert!(matches!(client.exchange.status(), Ok(Status::Confirmed)));
    assert_eq!(server.receive(&tag).unwrap(), b"");
    assert!(server.string().is_some());
    assert_eq!((client.key(), server.key()), (None, None));

    // The second user said no, and the host has closed.
    assert_eq!(client.exchange.eof(), Err(PeerFault::Truncated.into()));
    assert_eq!(client.key(), None);
}

#[test]
fn after_a_no_nothing_goes_on() {
    let (mut client, mut server) = comparing();
    assert_eq!(client.reject(), Ok(()));
    assert_eq!(client.error(), Some(Error::Rejected));
    assert_eq!(client.confirm(), Err(Error::Rejected));
    assert_eq!(client.exchange.eof(), Err(Error::Rejected));
    assert_eq!(client.take(), b"");

    // The other user had said yes: the answer does not come.
    let tag = server.confirm().unwrap();
    assert_eq!(client.receive(&tag), Err(Error::Rejected));
    assert_eq!((client.key(), server.key()), (None, None));
}

#[test]
fn a_yes_is_not_taken_back() {
    let (mut client, _) = comparing();
    client.confirm().unwrap();
    assert_eq!(client.reject(), Err(Misuse::NothingToConfirm.into()));
    assert_eq!(client.error(), Some(Misuse::NothingToConfirm.into()));
}

#[test]
fn either_may_be_first() {
    for client_first in [true, false] {
        let (mut client, mut server) = comparing();
        let (first, second) =
            if client_first { (&mut client, &mut server) } else { (&mut server, &mut client) };
        let tag = first.confirm().unwrap();
        second.receive(&tag).unwrap();
        let tag = second.confirm().unwrap();
        assert!(second.key().is_some());
        first.receive(&tag).unwrap();
        assert_eq!(client.key(), server.key());
    }
}

#[test]
fn both_at_once() {
    let (mut client, mut server) = comparing();
    let tags = [client.confirm().unwrap(), server.confirm().unwrap()];
    client.receive(&tags[1]).unwrap();
    server.receive(&tags[0]).unwrap();
    assert!(client.key().is_some());
    assert_eq!(client.key(), server.key());
}

#[test]
fn our_own_confirmation_does_not_confirm_the_peer() {
    for code in [None, Some(CODE)] {
        let (mut client, mut server) = (Party::client(code), Party::server(code));
        let hello = server.receive(&client.take()).unwrap();
        let mut tag = client.receive(&hello).unwrap().split_off(32);
        if code.is_none() {
            tag = client.confirm().unwrap();
        }
        assert_eq!(client.receive(&tag), Err(PeerFault::WrongConfirmation.into()));
    }
}

#[test]
fn server_with_a_code_answers_only_the_right_client() {
    let (mut client, mut server) = (Party::client(Some("incorrect")), Party::server(Some(CODE)));
    let hello = server.receive(&client.take()).unwrap();
    let answer = client.receive(&hello).unwrap();
    assert_eq!(server.receive(&answer), Err(PeerFault::WrongConfirmation.into()));
    assert_eq!(server.take(), b"");
}

#[test]
fn end_after_the_agreement_is_none_to_speak_of() {
    let (mut client, mut server) = comparing();
    let tag = client.confirm().unwrap();
    server.confirm().unwrap();
    server.receive(&tag).unwrap();
    assert_eq!(server.receive(b"whatever").unwrap(), b"");
    assert_eq!(server.exchange.eof(), Ok(()));
    assert!(server.key().is_some());
}

#[test]
fn each_run_makes_another_key() {
    let keys = [3, 4].map(|seed| {
        let mut client = Party::new(spiped_core::Side::Client, Some(CODE), seed);
        let mut server = Party::server(Some(CODE));
        crate::parties::converse(&mut client, &mut server).unwrap();
        client.key().unwrap()
    });
    assert_ne!(keys[0], keys[1]);
}
