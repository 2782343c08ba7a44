//! Connections that break lose nothing that had come before, and are never
//! taken for complete.

use std::io::{Read, Write};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use spiped_tests::payload::bytes;
use spiped_tests::wire::{Handshake, PACKET_LEN, PLAIN_MAX, Session, Side};
use spiped_tests::{
    AgainstClient, AgainstServer, Backend, Conn, Ending, KEY, Lab, LineUp, Spiped, wait,
};

/// How long a reader sleeps before it begins.
const LATE: Duration = Duration::from_millis(1500);

macro_rules! combination {
    ($name:ident, $client:ident, $server:ident) => {
        mod $name {
            use spiped_tests::{LineUp, Origin};

            const LINE_UP: LineUp = LineUp {
                client_origin: Origin::$client,
                server_origin: Origin::$server,
                ..LineUp::OURS
            };

            #[test]
            fn answer_of_a_target_that_closes_unread_arrives_whole() {
                super::answer_before_the_request_was_read(LINE_UP);
            }

            /// protocol.md F-4.
            #[test]
            fn data_before_a_reset_by_the_target_arrives() {
                super::target_resets_after_data(LINE_UP);
            }

            /// protocol.md F-4.
            #[test]
            fn data_before_a_reset_by_the_application_arrives() {
                super::application_resets_after_data(LINE_UP);
            }

            /// protocol.md E-4.
            #[test]
            fn late_reader_gets_all_before_a_clean_end() {
                super::clean_end_for_a_late_reader(LINE_UP);
            }
        }
    };
}

/// Where theirs is at the target, a write that fails ends both directions.
macro_rules! upload_to_our_d {
    ($name:ident, $client:ident) => {
        mod $name {
            use spiped_tests::{LineUp, Origin};

            const LINE_UP: LineUp = LineUp { client_origin: Origin::$client, ..LineUp::OURS };

            /// protocol.md E-8.
            #[test]
            fn refusal_of_an_upload_arrives_while_it_is_sent() {
                super::upload_is_refused(LINE_UP, super::Manners::ReadsMeanwhile, 20);
            }

            /// protocol.md E-8.
            #[test]
            fn refusal_of_an_upload_arrives_after_it_was_sent() {
                super::upload_is_refused(LINE_UP, super::Manners::ReadsAfterwards, 20);
            }

            #[test]
            #[ignore = "soak"]
            fn refusal_of_an_upload_always_arrives() {
                for manners in [super::Manners::ReadsMeanwhile, super::Manners::ReadsAfterwards] {
                    super::upload_is_refused(LINE_UP, manners, 1000);
                }
            }
        }
    };
}

upload_to_our_d!(upload_by_our_e, Ours);
upload_to_our_d!(upload_by_their_e, Debian);

combination!(ours, Ours, Ours);
combination!(our_e_with_their_d, Ours, Debian);
combination!(their_e_with_our_d, Debian, Ours);
combination!(theirs, Debian, Debian);

fn answer_before_the_request_was_read(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut conn = Conn::narrow_to(pair.client().source());
    conn.send(b"request, and more");
    let mut target = backend.accept();
    assert_eq!(target.receive(7), b"request");
    let answer = bytes(1, 100_000);
    target.send(&answer);
    target.wait_until_delivered();
    drop(target);
    wait::observe(LATE);
    expect_all(&mut conn, &answer, line_up);
}

fn target_resets_after_data(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut conn = Conn::narrow_to(pair.client().source());
    let data = bytes(2, 150_000);
    let mut target = backend.accept();
    target.send(&data);
    target.wait_until_delivered();
    target.reset();
    wait::observe(LATE);
    expect_all(&mut conn, &data, line_up);
}

fn application_resets_after_data(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::narrow(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut conn = pair.connect();
    let data = bytes(3, 150_000);
    conn.send(&data);
    let mut target = backend.accept();
    conn.wait_until_delivered();
    conn.reset();
    wait::observe(LATE);
    expect_all(&mut target, &data, line_up);
}

/// Their programs end it like any other.
#[track_caller]
fn expect_all(reader: &mut Conn, expected: &[u8], line_up: LineUp) {
    let (received, ending) = reader.receive_to_end();
    assert!(received == expected, "{} of {} bytes came", received.len(), expected.len());
    if line_up.is_ours() {
        assert_eq!(ending, Ending::Reset);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    ReadsMeanwhile,
    ReadsAfterwards,
}

/// A server that takes no uploads answers, and closes without reading on.
fn upload_is_refused(line_up: LineUp, manners: Manners, rounds: usize) {
    const HEADER: &[u8] = b"POST / HTTP/1.1\r\n\r\n";
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let answer = bytes(4, 20_000);
    for round in 0..rounds {
        let mut link = pair.connect().into_link();
        let mut target = backend.accept();
        let upload = thread::spawn(move || {
            let _ = link.writer.write_all(&[HEADER, &vec![0; 1_000_000]].concat());
            link.writer
        });
        assert_eq!(target.receive(HEADER.len()), HEADER);
        target.send(&answer);
        target.half_close();
        drop(target);
        let mut received = Vec::new();
        let writer = (manners == Manners::ReadsAfterwards).then(|| upload.join().unwrap());
        let read = link.reader.read_to_end(&mut received);
        assert!(received == answer, "{} bytes came in round {round}", received.len());
        read.unwrap_or_else(|error| panic!("in round {round}: {error}"));
        drop(writer);
    }
}

/// However long it sleeps.
fn clean_end_for_a_late_reader(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::narrow(&lab);
    let server =
        Spiped::decrypt(&lab, backend.endpoint()).of(line_up.server_origin).time_limit("1").start();
    let client =
        Spiped::encrypt(&lab, server.source()).of(line_up.client_origin).time_limit("1").start();
    let data = bytes(5, 150_000);
    let mut conn = client.connect();
    conn.send(&data);
    conn.half_close();
    let mut target = backend.accept();
    wait::observe(2 * LATE);
    assert!(target.receive_all() == data);
    target.send(b"thanks");
    drop(target);
    assert_eq!(conn.receive_all(), b"thanks");
}

/// protocol.md F-1.
#[test]
fn late_target_gets_all_that_came_before_the_stream_broke() {
    for damage in DAMAGES {
        let server = AgainstServer::start(&[]);
        let (session, mut target) = server.session();
        let data = bytes(6, 512_000);
        let sender = send_and(session, data.clone(), damage);
        wait::observe(LATE);
        let (received, ending) = target.receive_to_end();
        assert!(received == data, "{} bytes came", received.len());
        assert_eq!(ending, Ending::Reset);
        sender.join().unwrap();
    }
}

/// protocol.md F-1.
#[test]
fn late_application_gets_all_that_came_before_the_stream_broke() {
    for damage in DAMAGES {
        let client = AgainstClient::start(&[]);
        let (mut application, session) = client.session();
        let data = bytes(7, 512_000);
        let sender = send_and(session, data.clone(), damage);
        wait::observe(LATE);
        let (received, ending) = application.receive_to_end();
        assert!(received == data, "{} bytes came", received.len());
        assert_eq!(ending, Ending::Reset);
        sender.join().unwrap();
    }
}

/// protocol.md F-4.
#[test]
fn late_target_gets_all_that_came_before_a_reset() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    let data = bytes(8, 150_000);
    let packets = packets(&mut session, &data);
    session.conn.send(packets);
    session.conn.wait_until_delivered();
    session.conn.reset();
    wait::observe(LATE);
    let (received, ending) = target.receive_to_end();
    assert!(received == data, "{} bytes came", received.len());
    assert_eq!(ending, Ending::Reset);
}

/// What waits in our kernel's buffers, and what does not fit in there.
#[test]
fn slow_reader_gets_all_although_it_takes_longer_than_the_limit() {
    for chunk in [50_000, 1_500_000] {
        let server = AgainstServer::start_with(|server| server.time_limit("1"));
        let (session, mut target) = server.session();
        let data = bytes(9, 6 * chunk);
        let sender = send_and(session, data.clone(), forge);
        let mut received = Vec::new();
        for _ in 0..6 {
            wait::observe(Duration::from_millis(400));
            received.extend(target.receive(chunk));
        }
        target.expect_nothing_but(Ending::Reset);
        assert!(received == data);
        sender.join().unwrap();
    }
}

/// And what was written is counted, not what was offered.
#[test]
fn peer_that_is_gone_gives_its_slot_back_although_the_target_does_not_read() {
    let server = AgainstServer::start_with(|server| {
        server.time_limit("1").args(&["-n", "1", "--log-level", "info"])
    });
    let (mut session, mut target) = server.session();
    let data = bytes(10, 32_000_000);
    let packets = packets(&mut session, &data);
    let sent = session.conn.send_until_stuck(packets);
    session.conn.reset();
    server.daemon.process.wait_for_stderr("broken: encrypted side: Connection reset by peer");
    let (mut next, mut its_target) = server.session();
    next.send(b"next");
    assert_eq!(its_target.receive(4), b"next");
    let taken = target.receive_to_end().0;
    assert!(data.starts_with(&taken) && taken.len() < sent);
    let log = server.daemon.process.stderr();
    let (before, _) = log.split_once(" bytes received").unwrap();
    let counted: usize = before.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(counted < sent && counted >= taken.len(), "{counted} of {sent}, {}", taken.len());
}

/// Nothing comes from it any more, and nothing says so. Its short form is in
/// `delivery`: when the kernel will ask for the first time.
#[test]
#[ignore = "soak"]
fn peer_that_has_vanished_gives_its_slot_back() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let set_loopback = |state| {
        let set = Command::new("ip").args(["link", "set", "lo", state]).status();
        assert!(set.unwrap().success());
    };
    set_loopback("up");
    let server = AgainstServer::start(&["--log-level", "info"]);
    let _established = server.session();
    set_loopback("down");
    let start = Instant::now();
    while !server.daemon.process.stderr().contains("broken: ") {
        wait::observe(Duration::from_secs(1));
        assert!(start.elapsed() < Duration::from_mins(3));
    }
    assert!(start.elapsed() > Duration::from_secs(90), "it may have been restarting");
}

#[test]
fn half_closed_application_that_is_reset_gives_its_slot_back() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("1").start();
    let client = Spiped::encrypt(&lab, server.source()).time_limit("1").args(&["-n", "1"]);
    let client = client.start();
    let conn = client.connect();
    conn.half_close();
    let mut target = backend.accept();
    target.expect_nothing_but(Ending::Closed);
    conn.reset();
    let mut next = client.connect();
    next.send(b"next");
    assert_eq!(backend.accept().receive(4), b"next");
}

/// A Unix socket has no reset, but nothing is lost there either.
#[test]
fn late_application_on_a_unix_socket_gets_all() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let client = Spiped::encrypt(&lab, backend.endpoint()).source(&lab.unix("source")).start();
    let mut application = client.connect();
    let session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    let data = bytes(11, 512_000);
    let sender = send_and(session, data.clone(), cut);
    wait::observe(LATE);
    assert!(application.receive_all() == data);
    sender.join().unwrap();
}

/// Sends all in packets and then what is damaged, and ends the direction if
/// that is not all of a packet.
fn send_and(
    mut session: Session,
    data: Vec<u8>,
    damage: fn(&mut Session) -> Vec<u8>,
) -> JoinHandle<Session> {
    thread::spawn(move || {
        let packets = packets(&mut session, &data);
        let damaged = damage(&mut session);
        session.conn.send([&packets[..], &damaged].concat());
        if damaged.len() < PACKET_LEN {
            session.conn.half_close();
        }
        session
    })
}

fn packets(session: &mut Session, data: &[u8]) -> Vec<u8> {
    data.chunks(PLAIN_MAX).flat_map(|message| session.packet(message)).collect()
}

const DAMAGES: [fn(&mut Session) -> Vec<u8>; 2] = [forge, cut];

fn forge(session: &mut Session) -> Vec<u8> {
    let mut packet = session.packet(b"forged");
    packet[5] ^= 1;
    packet.to_vec()
}

fn cut(session: &mut Session) -> Vec<u8> {
    session.packet(b"cut")[..700].to_vec()
}
