//! A man in the middle, who makes an exchange with each end.

use spiped_core::Side;
use spiped_core::pairing::PeerFault;

use crate::parties::{CODE, Party, converse};

/// One of the attacker's ends.
fn mallory(side: Side, code: Option<&str>) -> Party {
    Party::new(side, code, 0x66)
}

#[test]
fn strings_differ() {
    let (mut client, mut server) = (Party::client(None), Party::server(None));
    let mut to_client = mallory(Side::Server, None);
    let mut to_server = mallory(Side::Client, None);

    let hello = to_client.receive(&client.take()).unwrap();
    let value = client.receive(&hello).unwrap();
    to_client.receive(&value).unwrap();
    let hello = server.receive(&to_server.take()).unwrap();
    let value = to_server.receive(&hello).unwrap();
    server.receive(&value).unwrap();

    assert_eq!(client.string(), to_client.string());
    assert_eq!(server.string(), to_server.string());
    assert_ne!(client.string().unwrap(), server.string().unwrap());
}

#[test]
fn value_cannot_be_chosen_after_the_servers() {
    let mut server = Party::server(None);
    let (mut committed, mut other) = (mallory(Side::Client, None), Party::client(None));
    let hello = server.receive(&committed.take()).unwrap();
    let value = other.receive(&hello).unwrap();
    assert_eq!(server.receive(&value), Err(PeerFault::BadCommitment.into()));
}

#[test]
fn without_the_code_neither_end_agrees() {
    let mut client = Party::client(Some(CODE));
    let result = converse(&mut client, &mut mallory(Side::Server, Some("a guess")));
    assert_eq!(result.err(), Some(PeerFault::WrongConfirmation.into()));
    assert_eq!(client.key(), None);

    let mut server = Party::server(Some(CODE));
    let result = converse(&mut mallory(Side::Client, Some("a guess")), &mut server);
    assert_eq!(result.err(), Some(PeerFault::WrongConfirmation.into()));
    assert_eq!(server.error(), Some(PeerFault::WrongConfirmation.into()));
}

#[test]
fn what_one_run_said_is_of_no_use_in_the_next() {
    for code in [None, Some(CODE)] {
        let said = converse(&mut Party::client(code), &mut Party::server(code)).unwrap();
        let mut server = Party::new(Side::Server, code, 7);
        server.receive(&said.from_client[..2].concat()).unwrap();
        if code.is_none() {
            server.confirm().unwrap();
        }
        let result = server.receive(&said.from_client[2]);
        assert_eq!(result, Err(PeerFault::WrongConfirmation.into()));

        let mut client = Party::new(Side::Client, code, 8);
        client.receive(&said.from_server[0]).unwrap();
        if code.is_none() {
            client.confirm().unwrap();
        }
        let result = client.receive(&said.from_server[1]);
        assert_eq!(result, Err(PeerFault::WrongConfirmation.into()));
    }
}
