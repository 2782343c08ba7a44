//! A session that is suspended and resumed goes on as if nothing had been.

use sha2::{Digest, Sha256};
use spiped_core::{
    Error, KeyExchange, Misuse, Output, PeerFault, STATE_LEN_MAX, Session, SoftPacketCrypto, Status,
};

use crate::pair::{Party, established, established_by};

/// Offset of the next packet number to open in a suspended session.
const OPENING_NUMBER: usize = 160;
/// Length of the checksum at its end.
const CHECKSUM_LEN: usize = 16;

fn suspend_and_resume(end: &mut Party) {
    let state = end.session.suspend().unwrap();
    assert_eq!(end.session.status(), Err(Misuse::Suspended.into()));
    end.session = Session::resume(&state).unwrap();
    assert_eq!(end.session.status(), Ok(Status::Established));
}

fn resume(state: &[u8]) -> Result<(), Misuse> {
    Session::<SoftPacketCrypto>::resume(state).map(drop)
}

/// protocol.md S-1, P-2.
#[test]
fn both_directions_go_on_at_any_cut() {
    let (mut client, mut server) = established();
    let packets = [client.seal(b"one"), client.seal(b"two")].concat();
    for cut in [0, 1, 1059, 1060, 1061, 2119, 2120] {
        let mut server = established().1;
        server.receive(&packets[..cut]).unwrap();
        suspend_and_resume(&mut server);
        server.receive(&packets[cut..]).unwrap();
        assert_eq!(server.take_plain(), b"onetwo");
    }
    suspend_and_resume(&mut server);
    client.receive(&server.seal(b"first")).unwrap();
    suspend_and_resume(&mut server);
    suspend_and_resume(&mut client);
    client.receive(&server.seal(b"second")).unwrap();
    assert_eq!(client.take_plain(), b"firstsecond");
}

/// protocol.md S-1.
#[test]
fn ends_and_the_key_are_remembered() {
    let (mut client, mut server) = established();
    client.plain_eof();
    suspend_and_resume(&mut client);
    let misuse: Result<_, Error> = Err(Misuse::AfterEof.into());
    assert_eq!(client.session.handle_plain(b"more", &mut client.out), misuse);

    server.session.crypt_eof().unwrap();
    let id = server.session.psk_id();
    assert!(id.is_some());
    suspend_and_resume(&mut server);
    assert_eq!(server.session.psk_id(), id);
    assert_eq!(server.session.crypt_eof(), misuse);
}

/// protocol.md P-7.
#[test]
fn last_packet_number_is_never_used() {
    let (mut client, mut server) = established();
    let mut state = server.session.suspend().unwrap();
    set_opening_number(&mut state, u64::MAX);
    server.session = Session::resume(&state).unwrap();
    assert_eq!(server.receive(&client.seal(b"x")), Err(Error::Exhausted));

    let mut server = established().1;
    let mut state = server.session.suspend().unwrap();
    set_opening_number(&mut state, u64::MAX - 1);
    server.session = Session::resume(&state).unwrap();
    let forged = PeerFault::ForgedPacket { number: u64::MAX - 1 };
    assert_eq!(server.receive(&client.seal(b"x")), Err(forged.into()));
}

/// protocol.md S-3.
#[test]
fn only_an_established_session_can_be_suspended() {
    let mut end = Party::client();
    assert_eq!(end.session.suspend().map(drop), Err(Misuse::NotEstablished.into()));
    let mut end = established().0;
    end.session.suspend().unwrap();
    assert_eq!(end.session.suspend().map(drop), Err(Misuse::Suspended.into()));
    let (session, mut out) = (&mut end.session, Output::default());
    let misuse: Result<(), Error> = Err(Misuse::Suspended.into());
    assert_eq!(session.start(&mut out), misuse);
    assert_eq!(session.compute(&mut out), misuse);
    assert_eq!(session.handle_crypt(b"x", &mut out), misuse);
    assert_eq!(session.handle_plain(b"x", &mut out), misuse);
    assert_eq!(session.crypt_eof(), misuse);
    assert_eq!(session.plain_eof(&mut out), misuse);
    assert_eq!(session.status().map(drop), misuse);
    assert_eq!(session.psk_id(), None);
    assert_eq!(out, Output::default());
}

fn set_opening_number(state: &mut [u8], number: u64) {
    state[OPENING_NUMBER..][..8].copy_from_slice(&number.to_be_bytes());
    renew_checksum(state);
}

/// For a state that was changed on purpose.
fn renew_checksum(state: &mut [u8]) {
    let (state, checksum) = state.split_at_mut(state.len() - CHECKSUM_LEN);
    checksum.copy_from_slice(&Sha256::digest(state)[..CHECKSUM_LEN]);
}

/// States with nothing of a packet, with all of it but a byte, with X25519,
/// and after the ends of both sides.
fn states() -> Vec<Vec<u8>> {
    let (mut client, mut server) = established();
    server.receive(&client.seal(b"x")[..1059]).unwrap();
    let [mut x25519_client, mut x25519_server] =
        <[Party; 2]>::from(established_by(KeyExchange::X25519));
    let last = x25519_client.plain_eof();
    x25519_server.receive(&last).unwrap();
    x25519_server.session.crypt_eof().unwrap();
    [client, server, x25519_client, x25519_server]
        .map(|mut end| end.session.suspend().unwrap().to_vec())
        .into()
}

#[test]
fn state_is_as_long_as_promised() {
    let lengths: Vec<_> = states().iter().map(Vec::len).collect();
    assert_eq!(lengths, [186, STATE_LEN_MAX, 186, 186]);
    // The interface says so.
    const { assert!(STATE_LEN_MAX <= 1300) };
}

/// protocol.md S-2.
#[test]
fn every_flipped_bit_and_every_missing_byte_is_noticed() {
    for state in states() {
        assert_eq!(resume(&state), Ok(()));
        for at in 0..state.len() {
            let mut damaged = state.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(resume(&damaged), Err(Misuse::BadState), "byte {at}");
            assert_eq!(resume(&state[..at]), Err(Misuse::BadState), "{at} bytes");
            assert_eq!(resume(&state[at + 1..]), Err(Misuse::BadState), "without {at} bytes");
        }
        assert_eq!(resume(&[&state[..], b"x"].concat()), Err(Misuse::BadState));
    }
}

/// protocol.md S-2.
#[test]
fn parts_of_two_states_are_none() {
    let [one, other] =
        [established().0, established().1].map(|mut end| end.session.suspend().unwrap().to_vec());
    for cut in 0..one.len() {
        let mixed = [&one[..cut], &other[cut..]].concat();
        if mixed != one && mixed != other {
            assert_eq!(resume(&mixed), Err(Misuse::BadState), "{cut}");
        }
    }
}

/// protocol.md S-2.
#[test]
fn later_version_is_read_if_it_says_that_it_can_be() {
    let state = established().0.session.suspend().unwrap();
    for (version, oldest_reader, readable) in
        [(0, 0, false), (0, 1, false), (1, 1, true), (1, 2, false), (2, 1, true), (9, 2, false)]
    {
        let mut state = state.to_vec();
        (state[4], state[5]) = (version, oldest_reader);
        renew_checksum(&mut state);
        let expected = if readable { Ok(()) } else { Err(Misuse::BadState) };
        assert_eq!(resume(&state), expected, "version {version}");
    }
}

#[test]
fn reserved_byte_is_zero_in_this_version_and_may_be_used_by_later_ones() {
    let state = established().0.session.suspend().unwrap();
    for (version, expected) in [(1, Err(Misuse::BadState)), (2, Ok(()))] {
        let mut state = state.to_vec();
        (state[4], state[7]) = (version, 1);
        renew_checksum(&mut state);
        assert_eq!(resume(&state), expected, "version {version}");
    }
}

#[test]
fn state_that_no_session_has_is_refused() {
    let state = established().0.session.suspend().unwrap();
    // The flags, and part of a packet.
    let impossible: [(u8, &[u8]); 7] =
        [(8, b""), (16, b""), (128, b""), (2 | 4, b""), (2, b"x"), (4 | 8, b"x"), (0, &[0; 1060])];
    for (flags, partial) in impossible {
        let mut state = state.to_vec();
        state[6] = flags;
        let length = u16::try_from(partial.len()).unwrap();
        state[168..170].copy_from_slice(&length.to_be_bytes());
        state.splice(170..170, partial.iter().copied());
        renew_checksum(&mut state);
        assert_eq!(resume(&state), Err(Misuse::BadState), "flags {flags}");
    }
}

/// A vector that grows leaves a copy of the keys behind.
#[test]
fn state_is_written_to_one_allocation() {
    let (mut client, mut server) = established();
    server.receive(&client.seal(b"x")[..1059]).unwrap();
    for mut end in [client, server] {
        let state = end.session.suspend().unwrap();
        assert_eq!(state.capacity(), state.len());
    }
}

/// protocol.md S-2.
#[test]
fn only_a_later_version_has_fields_that_are_not_known() {
    let state = established().0.session.suspend().unwrap();
    for (version, expected) in [(1, Err(Misuse::BadState)), (2, Ok(()))] {
        let mut state = state.to_vec();
        state[4] = version;
        let end = state.len() - CHECKSUM_LEN;
        state.splice(end..end, *b"field");
        renew_checksum(&mut state);
        assert_eq!(resume(&state), expected, "version {version}");
    }
}
