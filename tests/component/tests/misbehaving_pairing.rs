//! A component that breaks while it pairs makes no key, sends strangers
//! nothing, and leaves the terminal alone.

use spiped::guest::Side;
use spiped::guest::pairing::{Exchange, Failure, Status};

use crate::misbehaving::engine;

/// What becomes of an exchange whose component does this.
fn fate(what: &[u8]) -> Failure {
    let engine = engine();
    let mut exchange = Exchange::new(&engine, Side::Server, None).unwrap();
    assert_eq!(exchange.start().unwrap().status, Status::Waiting);
    let failure = exchange.receive(what).unwrap_err();
    assert_eq!(exchange.confirm(), Err(failure.clone()));
    assert_eq!(exchange.take_key(), Err(failure.clone()));
    failure
}

fn impossible() -> Failure {
    Failure::Guest("invalid answer".into())
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
    exchange.start().unwrap();
    assert_eq!(exchange.confirm(), Err(impossible()));
    assert_eq!(exchange.take_key(), Err(impossible()));
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
