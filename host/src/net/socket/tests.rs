#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream as Peer};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use super::*;

/// protocol.md F-5
#[tokio::test]
async fn socket_that_is_dropped_by_a_panic_is_reset() {
    let (socket, mut peer) = connected();
    socket.reset_when_dropped();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _socket = socket;
        panic!("as a fault of ours might");
    }));
    assert!(unwound.is_err());
    let error = peer.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn reset_when_dropped_can_be_taken_back() {
    let (socket, mut peer) = connected();
    socket.reset_when_dropped();
    socket.close_when_dropped();
    drop(socket);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn reset_is_noticed_before_what_came_ahead_of_it_is_read() {
    let (mut socket, mut peer) = connected();
    peer.write_all(b"unread").unwrap();
    set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
    drop(peer);
    socket.gone().await;
    let mut read = [0; 6];
    socket.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"unread");
    assert_eq!(socket.error().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn half_closed_socket_is_not_gone() {
    let (mut socket, peer) = connected();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
    assert!(timeout(Duration::from_millis(100), socket.gone()).await.is_err());
}

#[tokio::test]
async fn bytes_behind_a_descriptor_are_read() {
    let (ours, peer) = StdUnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut socket = Socket::Unix(UnixStream::from_std(ours).unwrap());
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut descriptors = SendAncillaryBuffer::new(&mut room);
    let passed_along = [peer.as_fd()];
    assert!(descriptors.push(SendAncillaryMessage::ScmRights(&passed_along)));
    let first = [IoSlice::new(b"one")];
    sendmsg(&peer, &first, &mut descriptors, SendFlags::empty()).unwrap();
    (&peer).write_all(b"two").unwrap();
    assert_eq!(socket.read(&mut [0; 100]).await.unwrap(), 3);
    let second = timeout(Duration::from_secs(10), socket.read(&mut [0; 100])).await;
    assert_eq!(second.unwrap().unwrap(), 3);
}

/// All of it is there before the event loop sees any.
#[tokio::test]
async fn bytes_between_urgent_ones_are_read() {
    let (mut socket, peer) = connected();
    for _ in 0..10 {
        for bytes in [b"one", b"two", b"six"] {
            send(&peer, bytes, SendFlags::empty()).unwrap();
            send(&peer, b"!", SendFlags::OOB).unwrap();
        }
        send(&peer, b"ten", SendFlags::empty()).unwrap();
        assert_eq!(read_some(&mut socket, 12).await, b"onetwosixten");
    }
}

/// After each of the steps, or before them all, the event loop sees what has come
/// until then, and nobody reads it.
#[tokio::test]
async fn urgent_byte_may_come_between_an_event_and_a_read() {
    for seen in 0..3 {
        let (mut socket, peer) = connected();
        let steps: [(&[u8], _); 3] = [
            (b"ahead", SendFlags::empty()),
            (b"!", SendFlags::OOB),
            (b"behind", SendFlags::empty()),
        ];
        for (index, (bytes, flags)) in steps.into_iter().enumerate() {
            if index == seen {
                sleep(Duration::from_millis(20)).await;
            }
            send(&peer, bytes, flags).unwrap();
        }
        assert_eq!(read_some(&mut socket, 11).await, b"aheadbehind", "{seen}");
    }
}

#[tokio::test]
async fn end_that_comes_with_the_last_bytes_is_read() {
    let (mut socket, mut peer) = connected();
    peer.write_all(b"last").unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(socket.read(&mut [0; 100]).await.unwrap(), 4);
    let end = timeout(Duration::from_secs(10), socket.read(&mut [0; 100])).await;
    assert_eq!(end.unwrap().unwrap(), 0);
}

/// What the next reads give, until it is so much.
async fn read_some(socket: &mut Socket, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        let mut room = [0; 100];
        let read = timeout(Duration::from_secs(10), socket.read(&mut room)).await;
        // An urgent byte that another one follows before it is read is one of the others.
        all.extend(room[..read.unwrap().unwrap()].iter().filter(|byte| **byte != b'!'));
    }
    all
}

/// A socket of ours, and the other end of it.
fn connected() -> (Socket, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = Peer::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nonblocking(true).unwrap();
    let (peer, _) = listener.accept().unwrap();
    (Socket::tcp(ours.into()).unwrap(), peer)
}
