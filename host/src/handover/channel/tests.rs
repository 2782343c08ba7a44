#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::super::messages::{Connection, Key, Pipe};
use super::*;

#[tokio::test]
async fn message_arrives_with_what_goes_beside_it() {
    let (one, other) = channels();
    let beside = tempfile::tempfile().unwrap();
    beside.write_all_at(b"beside", 0).unwrap();
    let message = Message::Connection(Connection { id: 7, ..Connection::default() });
    one.send(&message, &[beside.as_fd()], &[b"state", b"", b"pending"]).await.unwrap();
    one.send(&Message::Commit, &[], &[]).await.unwrap();
    let received = other.receive().await.unwrap();
    assert_eq!(received.message, message);
    assert_eq!(*received.secrets, *b"statepending");
    let [received] = <[_; 1]>::try_from(received.descriptors).unwrap();
    let mut content = [0; 6];
    File::from(received).read_exact_at(&mut content, 0).unwrap();
    assert_eq!(&content, b"beside");
    assert_eq!(other.receive().await.unwrap().message, Message::Commit);
}

#[tokio::test]
async fn long_message_arrives() {
    let (one, other) = channels();
    let name = Some("key".repeat(80).into());
    let keys = vec![Key { name, ..Key::default() }; 1024];
    let message = Message::Pipe(Pipe { keys, ..Pipe::default() });
    one.send(&message, &[], &[]).await.unwrap();
    assert_eq!(other.receive().await.unwrap().message, message);
}

#[tokio::test]
async fn end_of_the_other_process_is_told() {
    let (one, other) = channels();
    one.send(&Message::Commit, &[], &[]).await.unwrap();
    assert!(!other.is_over());
    drop(one);
    assert!(other.is_over());
    assert_eq!(other.receive().await.unwrap().message, Message::Commit);
    assert!(matches!(other.receive().await, Err(ChannelError::Gone)));
    let sent = other.send(&Message::Commit, &[], &[]).await;
    assert!(matches!(sent, Err(ChannelError::Gone)));
}

#[tokio::test]
async fn channel_that_is_shut_down_is_over_for_both() {
    let (one, other) = channels();
    one.shut_down();
    assert!(one.is_over() && other.is_over());
    assert!(matches!(other.receive().await, Err(ChannelError::Gone)));
    let sent = one.send(&Message::Commit, &[], &[]).await;
    assert!(matches!(sent, Err(ChannelError::Gone)));
}

#[tokio::test]
async fn sender_waits_for_room() {
    let (one, other) = channels();
    let sent = async {
        for _ in 0..5000 {
            one.send(&Message::Commit, &[], &[b"secret"]).await.unwrap();
        }
    };
    let received = async {
        for _ in 0..5000 {
            assert_eq!(*other.receive().await.unwrap().secrets, *b"secret");
        }
    };
    tokio::join!(sent, received);
}

#[test]
fn memory_is_wiped_by_whoever_is_done_with_it() {
    let memory = Memory::of(b"line", &[&[7; 10_000]]).unwrap();
    let seen = File::from(memory.file.try_clone().unwrap());
    drop(memory);
    let mut content = vec![1; 10_004];
    seen.read_exact_at(&mut content, 0).unwrap();
    assert_eq!(content, vec![0; 10_004]);
}

#[test]
fn file_that_could_shrink_is_refused() {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(b"{}", 0).unwrap();
    assert!(matches!(Memory::new(file.into()).take(2), Err(ChannelError::Malformed)));
    let unsealed = Memory::new(create().unwrap());
    assert!(matches!(unsealed.take(0), Err(ChannelError::Malformed)));
}

#[test]
fn silence_is_not_waited_for_any_longer_than_asked() {
    let (one, other) = pair().unwrap();
    let (one, other) = (Line::new(one), Line::new(other));
    assert!(matches!(other.receive(Duration::from_millis(10)), Err(ChannelError::Io(_))));
    one.send(&Message::Commit).unwrap();
    let received = other.receive(Duration::from_secs(10)).unwrap();
    assert_eq!(received.message, Message::Commit);
}

fn channels() -> (Channel, Channel) {
    let (one, other) = pair().unwrap();
    (Channel::new(one).unwrap(), Channel::new(other).unwrap())
}
