//! Connections that go from one process to another.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;

use super::lab::{Ends, Family, Process, Way, bytes, move_all, one_connection, run, sockets};
use super::peer::{Peer, Peers};
use crate::connection::live::{Reset, Stage};
use crate::connection::moving::Removal;
use crate::connection::outcome::Outcome;
use crate::handover::channel::{Channel, ChannelError, pair};
use crate::handover::messages::Message;
use crate::observe::counters::Ending;

const MUCH: usize = 4 << 20;

#[test]
fn moved_connection_goes_on_byte_for_byte_awake_and_asleep() {
    run(async |workers| {
        for family in [Family::Tcp, Family::Unix] {
            let peers = Peers::new(4);
            let first = Process::new(&workers, 4, &peers.path(), "");
            let mut ends = peers.connect(&first, 7, family).await;
            let second = first.successor(4, "");
            assert_eq!(move_all(&first, &second).await, 1);
            let outcome = (&mut ends.end).await.unwrap().outcome;
            assert!(matches!(outcome, Outcome::Moved(_)), "{outcome:?}");
            // It arrives asleep, and is not woken before it leaves again.
            assert!(second.live(7).is_asleep());
            let third = first.successor(4, "");
            assert_eq!(move_all(&second, &third).await, 1);
            ends.exchange(MUCH).await;
            ends.greet().await;
            let live = third.live(7);
            assert!(!live.is_asleep() && live.stage() == Stage::Established);
            assert_eq!(live.peer(), Some("somebody"));
            let traffic = live.traffic();
            let sent = 2 * 6 + MUCH as u64;
            assert_eq!((traffic.sent, traffic.received), (sent, 2 * 8 + MUCH as u64));
        }
    });
}

#[test]
fn connection_is_counted_where_it_is_and_has_ended_where_it_ends() {
    run(async |workers| {
        let (_peers, first, ends) = one_connection(&workers, 1).await;
        let second = first.successor(4, "-n 1");
        let in_the_way = second.pipe.slots.try_take().unwrap();
        move_all(&first, &second).await;
        let now = |process: &Process| process.pipe.counters.connections.now();
        let of_key = |process: &Process| process.keys[0].counters().now();
        let Ends { mut peer, mut application, end } = ends;
        end.await.unwrap();
        for numbers in [now(&first), of_key(&first)] {
            assert_eq!((numbers.accepted, numbers.open), (1, 0));
            assert!(numbers.endings().all(|(_, count)| count == 0));
        }
        for numbers in [now(&second), of_key(&second)] {
            assert_eq!((numbers.accepted, numbers.open, numbers.sent), (0, 1, 0));
        }
        // A slot beyond the limit is one that somebody else gives up first.
        drop(in_the_way);
        assert!(second.pipe.slots.are_taken());
        peer.end().await;
        assert_eq!(application.read(&mut [0]).await.unwrap(), 0);
        application.shutdown().await.unwrap();
        peer.hear_end().await;
        second.pipe.alive.none().await;
        for numbers in [now(&second), of_key(&second)] {
            assert_eq!(numbers.open, 0);
            assert_eq!(numbers.endings().next(), Some((Ending::Closed, 1)));
        }
        assert!(second.pipe.live.get(1).is_none());
        assert!(second.pipe.slots.try_take().is_some());
    });
}

#[test]
fn half_closed_connection_goes_on_to_its_proper_end() {
    run(async |workers| {
        for peer_first in [true, false] {
            let (_peers, first, mut ends) = one_connection(&workers, 1).await;
            let second = first.successor(4, "");
            let end_at_peer = async |ends: &mut Ends| {
                ends.peer.end().await;
                assert_eq!(ends.application.read(&mut [0]).await.unwrap(), 0);
            };
            let end_at_application = async |ends: &mut Ends| {
                ends.application.shutdown().await.unwrap();
                ends.peer.hear_end().await;
            };
            if peer_first {
                end_at_peer(&mut ends).await;
            } else {
                end_at_application(&mut ends).await;
            }
            assert_eq!(move_all(&first, &second).await, 1);
            if peer_first {
                ends.application.write_all(b"answer").await.unwrap();
                assert_eq!(ends.peer.hear(6).await, b"answer");
                end_at_application(&mut ends).await;
            } else {
                ends.peer.say(b"answer").await;
                ends.application.read_exact(&mut [0; 6]).await.unwrap();
                end_at_peer(&mut ends).await;
            }
            second.pipe.alive.none().await;
            let endings = second.pipe.counters.connections.now();
            assert_eq!(endings.endings().next(), Some((Ending::Closed, 1)));
        }
    });
}

#[test]
fn pending_bytes_of_both_directions_arrive_however_late_they_are_read() {
    run(async |workers| {
        for commits in [true, false] {
            let peers = Peers::new(4);
            let first = Process::new(&workers, 4, &peers.path(), "");
            let Ends { mut peer, mut application, end: _end } =
                peers.connect(&first, 1, Family::Unix).await;
            let (question, answer) = (bytes(3, MUCH), bytes(5, MUCH));
            let (mut read, mut write) = tokio::io::split(&mut application);
            let full = |process: &Process| process.live(1).traffic();
            let mover = async {
                // Until nobody takes any more.
                let mut before = full(&first);
                loop {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    match full(&first) {
                        now if now == before && now.sent > 6 && now.received > 8 => break,
                        now => before = now,
                    }
                }
                let second = first.successor(4, "");
                let mut way = Way::new();
                assert_eq!(way.send(&first, first.all()).await.unwrap(), 1);
                let received = way.receive().await;
                let Message::Connection(connection) = &received.message else { panic!("none") };
                assert!(connection.inward.pending > 0 && connection.outward.pending > 0);
                assert_eq!((connection.sent, connection.received), (before.sent, before.received));
                way.adopt(&second, received).await.unwrap();
                if commits {
                    way.commit();
                } else {
                    way.take_back();
                }
                let mut heard = vec![0; MUCH];
                read.read_exact(&mut heard).await.unwrap();
                (second, heard)
            };
            let (writes, (second, heard)) = join!(
                async {
                    let (said, heard) =
                        join!(write.write_all(&answer), late_exchange(&mut peer, &question));
                    said.unwrap();
                    heard
                },
                mover
            );
            assert!(writes == answer && heard == question);
            let went_on = if commits { &second } else { &first };
            went_on.received(1, 8 + MUCH).await;
            assert_eq!(second.pipe.counters.connections.open_now(), usize::from(commits));
        }
    });
}

/// Says it all before it hears anything.
async fn late_exchange(peer: &mut Peer, question: &[u8]) -> Vec<u8> {
    peer.say(question).await;
    peer.hear(MUCH).await
}

#[test]
fn load_is_carried_through_moves_and_removals_that_come_to_nothing() {
    run(async |workers| {
        let peers = Peers::new(4);
        let mut process = Process::new(&workers, 4, &peers.path(), "");
        let mut ends = peers.connect(&process, 1, Family::Tcp).await;
        let load = async {
            for _ in 0..8 {
                ends.exchange(MUCH).await;
            }
        };
        let moves = async {
            for round in 0..12 {
                let mut way = Way::new();
                assert_eq!(way.send_all(&process).await, 1);
                let next = process.successor(4, "");
                let received = way.receive().await;
                way.adopt(&next, received).await.unwrap();
                match round % 3 {
                    0 => way.take_back(),
                    // No verdict is one, too.
                    1 => drop(way),
                    _ => {
                        way.commit();
                        process = next;
                    }
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        join!(load, moves);
        process.received(1, 8 + 8 * MUCH).await;
    });
}

#[test]
fn many_arrive_with_few_sandboxes() {
    run(async |workers| {
        const COUNT: u64 = 40;
        let peers = Peers::new(64);
        let first = Process::new(&workers, 64, &peers.path(), "");
        let mut all = Vec::new();
        for id in 0..COUNT {
            all.push(peers.connect(&first, id, Family::Unix).await);
        }
        // One for each event loop, and as many for the self-test.
        let second = first.successor(3, "");
        assert_eq!(move_all(&first, &second).await, COUNT);
        assert_eq!(second.all().len() as u64, COUNT);
        for mut ends in all {
            ends.greet().await;
            drop(ends);
            // So that its sandbox is free.
            let gone = async {
                while second.pipe.live.slices().flatten().any(|live| !live.is_asleep()) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            gone.await;
        }
    });
}

#[test]
fn nothing_is_left_of_a_session_that_was_let_go() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let mut way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        let received = way.receive().await;
        let live = first.live(1);
        way.removal.let_go().unwrap();
        assert!(live.is_gone());
        // It is too late to end it.
        live.reset(Reset::Dropped);
        let outcome = (&mut ends.end).await.unwrap().outcome;
        assert!(matches!(outcome, Outcome::Moved(_)), "{outcome:?}");
        assert_eq!(outcome.ending(), None);
        // The other process dies with it: the last to close its sockets.
        drop(received);
        ends.application.read(&mut [0]).await.unwrap_err();
        assert_eq!(ends.peer.socket.read(&mut [0]).await.unwrap(), 0, "not an end mark");
    });
}

/// It may hang, and keep the sockets.
#[test]
fn connection_that_is_lost_on_its_way_is_reset_whoever_has_its_sockets() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let mut way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        let received = way.receive().await;
        way.removal.let_go().unwrap();
        way.removal.lose();
        ends.application.read(&mut [0]).await.unwrap_err();
        assert_eq!(ends.peer.socket.read(&mut [0]).await.unwrap(), 0, "not an end mark");
        drop(received);
    });
}

#[test]
fn connection_that_was_taken_back_cannot_be_let_go_of() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        way.removal.take_back();
        way.removal.let_go().unwrap_err();
        ends.greet().await;
    });
}

#[test]
fn connection_that_is_dropped_while_it_waits_ends_for_everybody() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let second = first.successor(4, "");
        let mut way = Way::new();
        way.send(&first, first.all()).await.unwrap();
        let received = way.receive().await;
        way.adopt(&second, received).await.unwrap();
        first.live(1).reset(Reset::Dropped);
        let outcome = (&mut ends.end).await.unwrap().outcome;
        assert_eq!(outcome.ending(), Some(Ending::Dropped));
        ends.application.read(&mut [0]).await.unwrap_err();
        assert_eq!(ends.peer.socket.read(&mut [0]).await.unwrap(), 0);
        way.commit();
        second.pipe.alive.none().await;
        assert_eq!(second.pipe.counters.connections.open_now(), 0);
    });
}

#[test]
fn one_that_cannot_move_holds_nobody_up() {
    run(async |workers| {
        let peers = Peers::new(4);
        let first = Process::new(&workers, 4, &peers.path(), "-o 60");
        let mut ends = peers.connect(&first, 1, Family::Tcp).await;
        // Nobody answers this one.
        let (ours, _theirs) = sockets(Family::Tcp);
        let _end = first.serve(2, ours);
        while first.pipe.live.get(2).is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let way = Way::new();
        assert_eq!(way.send(&first, first.all()).await.unwrap(), 1);
        // The one that was sent is asked again, and is gone before its turn comes.
        let gone = first.live(1);
        let again = Way::new();
        let dropped = async {
            gone.reset(Reset::Dropped);
            (&mut ends.end).await.unwrap();
        };
        let (sent, ()) = join!(again.send(&first, vec![gone.clone()]), dropped);
        assert_eq!(sent.unwrap(), 0);
    });
}

#[test]
fn nobody_listens_any_more_and_everything_goes_on() {
    run(async |workers| {
        let (_peers, first, mut ends) = one_connection(&workers, 1).await;
        let (ours, theirs) = pair().unwrap();
        drop(theirs);
        let channel = Channel::new(ours).unwrap().into();
        let removal = Removal::new(channel);
        let sent = removal.send(&first.pipe.name, &first.keys, first.all()).await;
        assert!(matches!(sent, Err(ChannelError::Gone)));
        // Also before there is a verdict.
        ends.greet().await;
    });
}
