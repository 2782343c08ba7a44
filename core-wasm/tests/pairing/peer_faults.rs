//! What a peer can do wrong, and what comes of it.

use spiped_core::Side;
use spiped_core::pairing::{Error, HELLO_LEN, PeerFault, Status};

use crate::parties::{CODE, MODES, Party, converse};

/// Runs a pairing in which one bit on the wire is changed. Message `at` counts
/// those of both ends.
fn tampered(code: Option<&str>, at: usize, byte: usize, bit: u8) -> (Party, Party) {
    let (mut client, mut server) = (Party::client(code), Party::server(code));
    let mut messages = 0;
    let mut from_client = vec![client.take()];
    loop {
        let mut deliver = |to: &mut Party, mut message: Vec<u8>| {
            if messages == at {
                message[byte] ^= 1 << bit;
            }
            messages += 1;
            let mut answers = vec![to.receive(&message).unwrap_or_default()];
            if to.string().is_some() {
                answers.push(to.confirm().unwrap());
            }
            answers.retain(|answer| !answer.is_empty());
            answers
        };
        let mut from_server = Vec::new();
        for message in from_client.drain(..) {
            from_server.extend(deliver(&mut server, message));
        }
        for message in from_server {
            from_client.extend(deliver(&mut client, message));
        }
        if from_client.is_empty() {
            return (client, server);
        }
    }
}

#[test]
fn every_changed_bit_of_every_message_is_noticed() {
    for code in MODES {
        let lengths: &[usize] = match code {
            None => &[HELLO_LEN, HELLO_LEN, 32, 32, 32],
            Some(_) => &[HELLO_LEN, HELLO_LEN, 64, 32],
        };
        let (client, server) = tampered(code, usize::MAX, 0, 0);
        assert!(client.key().is_some() && server.key().is_some());
        for (at, length) in lengths.iter().enumerate() {
            for byte in 0..*length {
                let bit = u8::try_from(byte % 8).unwrap();
                let (client, server) = tampered(code, at, byte, bit);
                // Who gets a changed confirmation has no key; anything
                // else leaves both without.
                let keys = [client.key(), server.key()].into_iter().flatten().count();
                assert!(keys <= usize::from(at >= 3), "message {at}, byte {byte}: {keys} keys");
            }
        }
    }
}

#[test]
fn top_bit_that_x25519_ignores_is_noticed() {
    let (mut client, mut server) = (Party::client(None), Party::server(None));
    let mut hello = server.receive(&client.take()).unwrap();
    hello[HELLO_LEN - 1] ^= 0x80;
    let value = client.receive(&hello).unwrap();
    server.receive(&value).unwrap();
    assert_ne!(client.string().unwrap(), server.string().unwrap());
}

#[test]
fn stranger_is_known_by_its_first_bytes() {
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-x\r\n", b"\0", b"spiped-pair-v2"] {
        for mut end in [Party::client(None), Party::server(Some(CODE))] {
            end.take();
            assert_eq!(end.receive(bytes), Err(PeerFault::NotPairing.into()));
        }
    }
}

#[test]
fn nobody_has_spoken_before_the_first_message_is_complete() {
    for code in MODES {
        let hello = Party::client(code).take();
        let mut server = Party::server(code);
        assert_eq!(server.receive(&hello[..HELLO_LEN - 1]).unwrap(), b"");
        assert!(matches!(server.exchange.status(), Ok(Status::Waiting)));
        assert_eq!(server.receive(&hello[HELLO_LEN - 1..]).unwrap().len(), HELLO_LEN);
        assert!(matches!(server.exchange.status(), Ok(Status::Exchanging)));
    }
}

#[test]
fn same_side_is_refused() {
    for code in MODES {
        let hello = Party::client(code).take();
        let mut client = Party::new(Side::Client, code, 5);
        assert_eq!(client.receive(&hello), Err(PeerFault::SameSide.into()));

        // Whoever returns what it gets is no peer either.
        let mut server = Party::server(code);
        let answer = server.receive(&hello).unwrap();
        let mut server = Party::server(code);
        assert_eq!(server.receive(&answer), Err(PeerFault::SameSide.into()));
    }
}

#[test]
fn code_on_one_end_only_is_refused() {
    for (here, there) in [(None, Some(CODE)), (Some(CODE), None)] {
        let mut server = Party::server(here);
        let result = server.receive(&Party::client(there).take());
        assert_eq!(result, Err(PeerFault::OtherMode.into()));

        let hello = Party::server(there).receive(&Party::client(there).take()).unwrap();
        let result = Party::client(here).receive(&hello);
        assert_eq!(result, Err(PeerFault::OtherMode.into()));
    }
}

/// u-coordinates of all points of small order, and their other encodings
/// below 2^255.
const SMALL_ORDER: [[u8; 32]; 7] = {
    use hex_literal::hex;
    [
        [0; 32],
        hex!("0100000000000000000000000000000000000000000000000000000000000000"),
        hex!("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex!("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        hex!("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex!("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        hex!("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ]
};

#[test]
fn points_of_small_order_are_refused() {
    for point in SMALL_ORDER {
        let result = client_gets(None, &point);
        assert_eq!(result, Err(PeerFault::BadPublicValue.into()), "{point:02x?}");
    }
}

#[test]
fn identity_and_what_is_no_point_are_refused_under_a_code() {
    for point in [[0; 32], [0xff; 32], [1; 32]] {
        let result = client_gets(Some(CODE), &point);
        assert_eq!(result, Err(PeerFault::BadPublicValue.into()), "{point:02x?}");
    }
}

/// A client's answer to a server with this public value.
fn client_gets(code: Option<&str>, value: &[u8; 32]) -> Result<Vec<u8>, Error> {
    let mut client = Party::client(code);
    let mut hello = Party::server(code).receive(&client.take()).unwrap();
    hello[HELLO_LEN - 32..].copy_from_slice(value);
    client.receive(&hello)
}

#[test]
fn more_than_the_protocol_has_is_refused() {
    let (mut client, mut server) = (Party::client(None), Party::server(None));
    let hello = server.receive(&client.take()).unwrap();
    let value = client.receive(&hello).unwrap();
    let mut tag = client.confirm().unwrap();
    server.receive(&value).unwrap();
    tag.push(0);
    assert_eq!(server.receive(&tag), Err(PeerFault::Surplus.into()));
}

#[test]
fn end_before_the_agreement_truncates_it() {
    for code in MODES {
        let said = converse(&mut Party::client(code), &mut Party::server(code)).unwrap();
        for messages in 0..said.from_server.len() {
            let mut client = Party::client(code);
            client.receive(&said.from_server[..messages].concat()).unwrap();
            assert_eq!(client.exchange.eof(), Err(PeerFault::Truncated.into()));
        }
        for messages in 0..said.from_client.len() {
            let mut server = Party::server(code);
            server.receive(&said.from_client[..messages].concat()).unwrap();
            assert_eq!(server.exchange.eof(), Err(PeerFault::Truncated.into()));
        }
    }
}

#[test]
fn failure_is_final_and_repeats() {
    let mut server = Party::server(None);
    let fault = Err(PeerFault::NotPairing.into());
    assert_eq!(server.receive(b"x"), fault);
    assert_eq!(server.receive(&Party::client(None).take()), fault);
    assert_eq!(server.confirm(), fault);
    assert_eq!(server.exchange.eof(), fault.map(drop));
    assert_eq!(server.take(), b"");
}

#[test]
fn our_own_public_value_is_refused() {
    let mut client = Party::client(None);
    let hello = client.take();
    let mut answer = Party::server(None).receive(&hello).unwrap();
    // A client shows its value once it has the server's.
    let mut twin = Party::client(None);
    twin.take();
    let value = twin.receive(&answer).unwrap();
    answer[HELLO_LEN - 32..].copy_from_slice(&value[..32]);
    assert_eq!(client.receive(&answer), Err(PeerFault::BadPublicValue.into()));
}
