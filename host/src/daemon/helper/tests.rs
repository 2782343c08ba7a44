#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::BorrowedFd;

use rustix::net::send;

use super::*;
use crate::keys::KeyName;
use crate::keys::KeySet;
use crate::keys::file::Psk;

#[tokio::test(flavor = "current_thread")]
async fn keys_arrive_as_they_were_sent() {
    let names = ["alice", "bob"].map(|name| KeyName::new(name.as_ref()));
    let named = names.into_iter().zip([1, 2].map(psk)).collect();
    for set in [KeySet::of_named(named).unwrap(), KeySet::of_one(psk(3))] {
        let sent = |socket: BorrowedFd<'_>| {
            messages::send_warning(socket, "as a loose mode is").unwrap();
            messages::send_keys(socket, &set).unwrap();
        };
        let received = answers(sent).keys().await.unwrap().into_set().unwrap();
        assert_eq!(received.keys().len(), set.keys().len());
        for (one, other) in received.keys().iter().zip(set.keys()) {
            assert_eq!(one.name(), other.name());
        }
        assert!(received.psks().iter().zip(set.psks()).all(|(one, other)| one.matches(other)));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn addresses_arrive_as_they_were_sent() {
    let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 7);
    let endpoints = ["127.0.0.1:1".parse().unwrap(), scoped.into()].map(Endpoint::Tcp);
    let sent = |socket: BorrowedFd<'_>| messages::send_endpoints(socket, &endpoints).unwrap();
    assert_eq!(answers(sent).endpoints().await.unwrap(), endpoints);
}

#[tokio::test(flavor = "current_thread")]
async fn failure_is_told_in_its_words() {
    let sent = |socket: BorrowedFd<'_>| messages::send_failure(socket, "No such file").unwrap();
    let error = answers(sent).keys().await.map(drop).unwrap_err();
    assert_eq!(error.to_string(), "No such file");
}

#[tokio::test(flavor = "current_thread")]
async fn keys_that_make_no_sense_are_refused() {
    let key = |kind: u8, name: &[u8]| [&[9; 32], &[kind][..], name].concat();
    let long = [b'x'; 256];
    for (messages, silent) in [
        (vec![], true),
        (vec![vec![1, 0]], false),
        (vec![vec![1, 0, 0]], false),
        (vec![vec![1, 1, 0, 0]], false),
        (vec![vec![1, 1, 0]], true),
        (vec![vec![1, 0xff, 0xff]], false),
        (vec![vec![2]], false),
        (vec![vec![9]], false),
        (vec![vec![0; 9000]], false),
        (vec![vec![1, 1, 0], vec![9; 31]], false),
        (vec![vec![1, 1, 0], vec![9; 32]], false),
        (vec![vec![1, 1, 0], key(0, b"x")], false),
        (vec![vec![1, 1, 0], key(1, b"")], false),
        (vec![vec![1, 1, 0], key(1, b"a/b")], false),
        (vec![vec![1, 1, 0], key(1, &long)], false),
        (vec![vec![1, 1, 0], key(2, b"x")], false),
        (vec![vec![1, 2, 0], key(1, b"a"), key(1, b"b")], false),
        (vec![vec![1, 2, 0], key(1, b"a"), key(0, b"")], false),
    ] {
        let what = format!("{messages:?}");
        let set = match answers(|socket| send_raw(socket, &messages)).keys().await {
            Ok(keys) => keys.into_set().map(drop),
            Err(error) => Err(error),
        };
        let error = set.unwrap_err();
        if silent {
            assert!(matches!(error, HelperError::Silent), "{what}: {error}");
        } else {
            assert!(matches!(error, HelperError::Malformed), "{what}: {error}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn addresses_that_make_no_sense_are_refused() {
    for message in [vec![2], vec![2, 4, 1, 2, 3, 4, 5], vec![2, 5, 0], vec![2, 6, 0], vec![1, 0, 0]]
    {
        let mut answers = answers(|socket| send_raw(socket, std::slice::from_ref(&message)));
        let error = answers.endpoints().await.unwrap_err();
        assert!(matches!(error, HelperError::Malformed), "{message:?}: {error}");
    }
}

fn psk(byte: u8) -> Psk {
    Psk::copy_of(&[byte; Psk::LEN])
}

/// An answer that ends after what is `sent`.
fn answers(sent: impl FnOnce(BorrowedFd<'_>)) -> Answers {
    let (ours, theirs) = pair().unwrap();
    ioctl_fionbio(&ours, true).unwrap();
    sent(theirs.as_fd());
    Answers::new(readable(ours).unwrap())
}

fn send_raw(socket: BorrowedFd<'_>, messages: &[Vec<u8>]) {
    for message in messages {
        send(socket, message, SendFlags::empty()).unwrap();
    }
}
