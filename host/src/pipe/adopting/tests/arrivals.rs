//! What arrives, may not be what was sent, and is taken or not.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::lab::{Family, Process, Way, one_connection, run, sockets};
use crate::connection::arriving::Arrival;
use crate::handover::channel::Received;
use crate::handover::messages::{Connection, Direction, Message, Numbers, Stage as HowFar};
use crate::observe::counters::Ending;
use crate::process::secrets::Locked;

#[test]
fn damaged_state_is_refused_and_named() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 7).await;
        let second = first.successor(4, "");
        let mut way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        let Received { message, descriptors, secrets } = way.receive().await;
        let damaged = Locked::build(secrets.len(), |place| {
            place.copy_from_slice(&secrets);
            place[100] ^= 1;
        });
        let refused = way.adopt(&second, Received { message, descriptors, secrets: damaged }).await;
        let refused = refused.unwrap_err();
        assert!(refused.starts_with("connection 7: the state of its session"), "{refused}");
        assert!(second.all().is_empty());
        way.take_back();
        ends.greet().await;
    });
}

/// protocol.md S-5
#[test]
fn states_of_earlier_versions_go_on() {
    run(async |workers| {
        let text = include_str!("../../../../../tests/states/v1-resume-0-client.txt");
        let state = text.lines().find_map(|line| line.strip_prefix("state: ")).unwrap();
        let hex = |at| u8::from_str_radix(&state[at..at + 2], 16).unwrap();
        let state: Vec<_> = (0..state.len()).step_by(2).map(hex).collect();
        let process = Process::new(&workers, 3, "/none".as_ref(), "");
        let connection = Connection { state: state.len(), ..Connection::default() };
        let way = Way::new();
        let mut received = received(connection, &state);
        let Message::Connection(connection) = &mut received.message else { panic!("none") };
        connection.pipe = process.pipe.name.to_string();
        way.adopt(&process, received).await.unwrap();
    });
}

#[test]
fn arrival_that_makes_no_sense_is_refused() {
    let refused = |received| Arrival::of(received).unwrap_err();
    let connection = |state, inward: (HowFar, usize), outward: (HowFar, usize)| {
        let direction = |(stage, pending)| Direction { stage, pending };
        let (inward, outward) = (direction(inward), direction(outward));
        Connection { id: 7, state, inward, outward, ..Connection::default() }
    };
    let (open, done) = (HowFar::Open, HowFar::Done);
    Arrival::of(received(connection(2, (open, 1), (open, 1)), &[0; 4])).unwrap();
    for (state, inward, outward) in [(2, 1, 0), (2, 1, 2), (usize::MAX, 5, 0), (0, usize::MAX, 5)] {
        let lying = connection(state, (open, inward), (open, outward));
        assert!(refused(received(lying, &[0; 4])).starts_with("connection 7: parts of its state"));
    }
    let over = connection(4, (done, 0), (done, 0));
    assert!(refused(received(over, &[0; 4])).contains("ended already"));
    let more = connection(3, (done, 1), (open, 0));
    assert!(refused(received(more, &[0; 4])).contains("left to write"));
    let mut one = received(connection(4, (open, 0), (open, 0)), &[0; 4]);
    one.descriptors.pop();
    assert!(refused(one).contains("two sockets"));
    let other = Received { message: Message::Commit, ..received(Connection::default(), &[]) };
    assert!(refused(other).contains("state cannot be read"));
}

#[test]
fn only_sockets_of_connections_are_taken_for_some() {
    run(async |workers| {
        let process = Process::new(&workers, 3, "/none".as_ref(), "");
        let file: OwnedFd = File::open("/dev/null").unwrap().into();
        let listener: OwnedFd = std::net::TcpListener::bind("127.0.0.1:0").unwrap().into();
        let datagrams: OwnedFd = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into();
        for wrong in [file, listener, datagrams] {
            let pipe = process.pipe.name.to_string();
            let mut received = received(Connection { pipe, ..Connection::default() }, &[]);
            received.descriptors[1] = wrong;
            let refused = Way::new().adopt(&process, received).await.unwrap_err();
            assert!(refused.starts_with("connection 0: its plain socket: "), "{refused}");
        }
    });
}

/// The test is the successor's end here, and says something else than it heard.
#[test]
fn idle_time_goes_on_and_the_end_of_a_direction_follows_what_is_pending() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let second = first.successor(4, "--idle-timeout 1h");
        let mut way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        let Received { message, descriptors, secrets } = way.receive().await;
        let Message::Connection(mut connection) = message else { panic!("none") };
        assert!(connection.idle < 60_000);
        connection.idle = 3_599_000;
        connection.inward = Direction { stage: HowFar::Ending, pending: 3 };
        let secrets = Locked::copy_of(&[&*secrets, b"end"].concat());
        let message = Message::Connection(connection);
        let received = Received { message, descriptors, secrets };
        way.adopt(&second, received).await.unwrap();
        let idle = second.live(1).idle();
        assert!(idle >= Duration::from_secs(3599), "{idle:?}");
        let start = Instant::now();
        way.commit();
        let mut heard = Vec::new();
        let _ = ends.application.read_to_end(&mut heard).await;
        assert_eq!(heard, b"end");
        ends.application.shutdown().await.unwrap();
        second.pipe.alive.none().await;
        // Bytes have moved: it begins anew with them.
        assert!(start.elapsed() < Duration::from_secs(1));
        let endings = second.pipe.counters.connections.now();
        assert!(endings.endings().any(|ended| ended == (Ending::Closed, 1)));
    });
}

#[test]
fn numbers_go_on_but_for_what_is_open() {
    run(async |workers| {
        let first = Process::new(&workers, 3, "/none".as_ref(), "");
        let counters = &first.pipe.counters;
        counters.connections.open(None);
        counters.connections.sent(10);
        counters.connections.received(20);
        counters.connections.ended(Ending::Idle);
        first.keys[0].counters().turned_away(Ending::KeyLimit);
        counters.not_allowed.more(3);
        counters.traps.more(4);
        counters.handshakes.took(Duration::from_millis(3));
        counters.dials.took(Duration::from_secs(20));
        let mut numbers = first.pipe.numbers(&first.keys);
        let second = first.successor(3, "");
        second.pipe.counters.connections.open(None);
        second.pipe.counters.connections.sent(1);
        numbers.connections.insert("later".to_owned(), 9);
        let line = serde_json::to_string(&numbers).unwrap();
        let numbers: Numbers = serde_json::from_str(&line).unwrap();
        second.pipe.restore(&numbers, &second.keys);
        let now = second.pipe.counters.connections.now();
        assert_eq!((now.accepted, now.open, now.sent, now.received), (2, 1, 11, 20));
        assert!(now.endings().any(|ended| ended == (Ending::Idle, 1)));
        let restored = second.pipe.numbers(&second.keys);
        assert_eq!(restored.keys, numbers.keys);
        assert_eq!((restored.not_allowed, restored.traps), (3, 4));
        assert_eq!((restored.handshakes, restored.dials), (numbers.handshakes, numbers.dials));
    });
}

fn received(connection: Connection, secrets: &[u8]) -> Received {
    let (one, _) = sockets(Family::Unix);
    let (other, _) = sockets(Family::Unix);
    let message = Message::Connection(connection);
    Received { message, descriptors: vec![one, other], secrets: Locked::copy_of(secrets) }
}
