//! A session that is suspended and resumed goes on as if nothing had been.

use spiped_core::{Error, Misuse, Output, PeerFault, Session, SoftPacketCrypto, Status};

use crate::pair::{End, established};

/// Offset of the next packet number to open in a suspended session.
const OPENING_NUMBER: usize = 142;

fn suspend_and_resume(end: &mut End) {
    let state = end.session.suspend().unwrap();
    assert_eq!(end.session.status(), Err(Misuse::Suspended.into()));
    end.session = Session::resume(&state).unwrap();
    assert_eq!(end.session.status(), Ok(Status::Established));
}

fn resume(state: &[u8]) -> Result<(), Misuse> {
    Session::<SoftPacketCrypto>::resume(state).map(drop)
}

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

#[test]
fn ends_and_the_peers_key_are_remembered() {
    let (mut client, mut server) = established();
    client.session.plain_eof(&mut client.out).unwrap();
    suspend_and_resume(&mut client);
    let misuse: Result<_, Error> = Err(Misuse::AfterEof.into());
    assert_eq!(client.session.handle_plain(b"more", &mut client.out), misuse);

    server.session.crypt_eof().unwrap();
    suspend_and_resume(&mut server);
    assert_eq!(server.session.peer_secret(), Some(0));
    assert_eq!(server.session.crypt_eof(), misuse);
}

#[test]
fn last_packet_number_is_never_used() {
    let (mut client, mut server) = established();
    let mut state = server.session.suspend().unwrap();
    state[OPENING_NUMBER..OPENING_NUMBER + 8].fill(0xff);
    server.session = Session::resume(&state).unwrap();
    assert_eq!(server.receive(&client.seal(b"x")), Err(Error::Exhausted));

    let mut server = established().1;
    let mut state = server.session.suspend().unwrap();
    state[OPENING_NUMBER..OPENING_NUMBER + 8].copy_from_slice(&(u64::MAX - 1).to_be_bytes());
    server.session = Session::resume(&state).unwrap();
    let forged = PeerFault::ForgedPacket { number: u64::MAX - 1 };
    assert_eq!(server.receive(&client.seal(b"x")), Err(forged.into()));
}

#[test]
fn only_an_established_session_can_be_suspended() {
    let mut end = End::client();
    assert_eq!(end.session.suspend().map(drop), Err(Misuse::NotEstablished.into()));
    let mut end = established().0;
    end.session.suspend().unwrap();
    assert_eq!(end.session.suspend().map(drop), Err(Misuse::Suspended.into()));
    let mut out = Output::default();
    assert_eq!(end.session.handle_plain(b"x", &mut out), Err(Misuse::Suspended.into()));
    assert_eq!(out, Output::default());
}

#[test]
fn what_is_no_state_is_refused() {
    let (mut client, mut server) = established();
    server.receive(&client.seal(b"x")[..1059]).unwrap();
    let state = server.session.suspend().unwrap();
    assert_eq!(resume(&state), Ok(()));
    for length in 0..150 {
        assert_eq!(resume(&state[..length]), Err(Misuse::BadState), "{length}");
    }
    assert_eq!(resume(&[&state[..], b"x"].concat()), Err(Misuse::BadState));
    for (at, value) in [(0, 0), (0, 2), (1, 2), (1, 8), (1, 12), (1, 16)] {
        let mut state = state.clone();
        state[at] = value;
        assert_eq!(resume(&state), Err(Misuse::BadState));
    }
}
