//! A component that breaks while it pairs makes no key, sends strangers
//! nothing, and leaves the terminal alone.

use spiped::guest::Side;
use spiped::guest::pairing::{Exchange, Failure, Status};

use crate::misbehaving::engine;

/// What becomes of an exchange whose component does this.
fn fate(what: &[u8]) -> Failure {
    let engine = engine();
    let mut exchange = Exchange::new(&engine, Side::Server, None).unwrap();
    assert_eq!(exchange.start().status, Status::Waiting);
    let output = exchange.receive(what);
    assert_eq!(output.to_peer, b"");
    let Status::Failed(failure) = output.status else { panic!("{:?}", output.status) };
    assert_eq!(exchange.confirm().status, Status::Failed(failure.clone()));
    failure
}

fn impossible() -> Failure {
    Failure::Guest("impossible answer".into())
}

#[test]
fn key_that_nobody_confirmed_is_none() {
    // As much as a whole exchange has.
    assert_eq!(fate(&[b'K'; 112]), impossible());
}

#[test]
fn key_out_of_nothing_is_none_even_after_a_yes() {
    let engine = engine();
    let mut exchange = Exchange::new(&engine, Side::Server, None).unwrap();
    exchange.start();
    assert_eq!(exchange.confirm().status, Status::Failed(impossible()));
}

#[test]
fn confirmation_that_the_user_did_not_give_stays_here() {
    // As much as there is before the client's confirmation.
    assert_eq!(fate(&[b'Y'; 80]), impossible());
}

#[test]
fn only_digits_reach_the_terminal() {
    assert_eq!(fate(&[b'D'; 80]), impossible());
}

#[test]
fn stranger_gets_nothing() {
    assert_eq!(fate(b"C"), impossible());
}

#[test]
fn trap_is_a_failure() {
    assert!(matches!(fate(b"T"), Failure::Guest(reason) if reason.contains("unreachable")));
}
