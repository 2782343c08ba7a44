//! When bytes arrive, and what happens when nobody takes them.

use std::io::{Read, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::Signal;
use spiped_tests::exchange::pressure_tests;
use spiped_tests::payload::bytes;
use spiped_tests::{Backend, Conn, Ending, Lab, LineUp, Pair, Process, procfs};

pressure_tests!(LineUp::OURS);

/// protocol.md P-6.
#[test]
fn one_byte_is_delivered_at_once() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let mut target = backend.accept();
    for byte in 0..50 {
        conn.send([byte]);
        assert_eq!(target.receive(1), [byte]);
        target.send([!byte]);
        assert_eq!(conn.receive(1), [!byte]);
    }
}

#[test]
fn target_may_speak_first() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    backend.accept().send(b"220 ready");
    assert_eq!(conn.receive(9), b"220 ready");
}

/// protocol.md H-5.
#[test]
fn bytes_sent_before_the_handshake_is_done_arrive() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let early = bytes(1, 50_000);
    let mut conn = pair.connect();
    conn.send(&early);
    drop(conn);
    let (received, ending) = backend.accept().receive_to_end();
    assert!(received == early, "{} bytes came", received.len());
    assert_eq!(ending, Ending::Closed);
}

#[test]
fn scattered_sizes_keep_their_order() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let mut target = backend.accept();
    let message = bytes(2, 300_000);
    let expected = message.clone();
    let sender = thread::spawn(move || {
        let mut rest = &message[..];
        for size in [1, 2, 1021, 1024, 1025, 3000, 4096, 65_535, 7].iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*size));
            conn.send(now);
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    });
    assert!(target.receive_all() == expected, "the same bytes in order");
    sender.join().unwrap();
}

#[test]
fn a_stalled_direction_leaves_the_other_alone() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut near = pair.open();
    let mut far = backend.accept().into_link();
    let stuffing = stuff(near.writer);
    for number in 0..100_u8 {
        far.send([number]);
        let mut byte = [0];
        near.reader.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [number]);
    }
    drop(pair);
    stuffing.join().unwrap();
}

#[test]
fn a_stalled_connection_leaves_another_alone() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let stalled = pair.open();
    let _unread = backend.accept();
    let stuffing = stuff(stalled.writer);
    let mut conn = pair.connect();
    let mut target = backend.accept();
    for number in 0..100_u8 {
        conn.send([number]);
        assert_eq!(target.receive(1), [number]);
    }
    drop(pair);
    stuffing.join().unwrap();
}

/// A read ends in front of an urgent byte, and nothing tells that there is more
/// behind it. The byte itself is lost, as through upstream's.
#[test]
fn bytes_behind_an_urgent_one_arrive_without_another() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let mut target = backend.accept();
    send_around_an_urgent_byte(&mut conn, &pair.client().process);
    assert_eq!(target.receive(200), [b'x'; 200]);
    send_around_an_urgent_byte(&mut target, &pair.server.process);
    assert_eq!(conn.receive(200), [b'x'; 200]);
}

#[test]
fn keep_alive_is_on_by_default() {
    expect_keep_alive(&[], true);
}

/// Sooner than the kernel's two hours: firewalls forget before that.
#[test]
fn keep_alive_probes_come_once_a_minute() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let mut target = backend.accept();
    conn.send(b"x");
    target.receive(1);
    for daemon_end in [conn.peer_address(), target.peer_address()] {
        let next = procfs::next_keepalive(daemon_end).unwrap();
        assert!(next <= Duration::from_mins(1), "{next:?}");
    }
}

#[test]
fn keep_alive_is_off_with_j() {
    expect_keep_alive(&["-j"], false);
}

/// So that all is there before `reader` reads.
fn send_around_an_urgent_byte(conn: &mut Conn, reader: &Process) {
    reader.signal(Signal::SIGSTOP);
    conn.send([b'x'; 100]);
    conn.send_urgent(b'!');
    conn.send([b'x'; 100]);
    reader.signal(Signal::SIGCONT);
}

/// Sends what nobody reads, until the test is over.
fn stuff(mut writer: Box<dyn Write + Send>) -> JoinHandle<()> {
    thread::spawn(move || while writer.write_all(&[0; 4096]).is_ok() {})
}

fn expect_keep_alive(args: &[&str], expected: bool) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), args, args);
    let mut conn = pair.connect();
    let mut target = backend.accept();
    conn.send(b"x");
    target.receive(1);
    for daemon_end in [conn.peer_address(), target.peer_address()] {
        assert_eq!(procfs::has_keepalive(daemon_end), Some(expected));
    }
}
