//! Pairing under a code: nobody is asked.

use spiped_core::Side;
use spiped_core::pairing::{Entropy, Exchange, HELLO_LEN, TAG_LEN};
use spiped_tests::{Backend, Conn, Ending, Lab, proc, wait};

use super::{ByHand, Pairer, expect_files, expect_same_key, start_both};

const CODE: &str = "correct horse";

#[test]
fn code_comes_from_the_command_line_or_standard_input() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen_later(&lab, &at, "here", &["--code", "-"]);
    here.say("correct horse\nwhat follows is not looked at");
    wait::until("it listens", || proc::is_listening(&at));
    let mut there = Pairer::connect(&lab, &at, "there", &["--code", CODE]);
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    expect_same_key(&lab, ["here", "there"]);
    assert!(!here.process.stderr().contains("yes/no"));
}

#[test]
fn wrong_code_makes_no_key_on_either_side() {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &["--code", CODE], &["--code", "incorrect"]);
    here.expect_failure("the codes differ, or somebody is guessing");
    there.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

#[test]
fn guess_fails_against_either_side() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &["--code", CODE]);
    let mut guessing = ByHand::new(Side::Client, Some("a guess"), Conn::to(&at));
    guessing.receive(HELLO_LEN);
    // It learns no more than that it was wrong.
    assert_eq!(guessing.conn.receive_all(), b"");
    here.expect_failure("the codes differ, or somebody is guessing");

    let trap = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, trap.endpoint(), "there", &["--code", CODE]);
    let mut guessing = ByHand::new(Side::Server, Some("a guess"), trap.accept());
    guessing.receive(HELLO_LEN);
    guessing.conn.receive(64);
    guessing.conn.send([7; 32]);
    there.expect_failure("the codes differ, or somebody is guessing");
    expect_files(&lab, &[]);
}

#[test]
fn code_on_one_side_only_is_named() {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &[], &["--code", CODE]);
    here.expect_failure("give the same --code to both, or to neither");
    there.expect_failure("see what the other host says");
    expect_files(&lab, &[]);
}

#[test]
fn short_code_is_refused_before_anything_is_done() {
    let lab = Lab::new();
    let at = lab.tcp().to_string();
    for code in ["12345", " 12345  "] {
        let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", code], "here");
        pairer.expect_failure("at least 6 characters");
    }
    let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", "-"], "here");
    pairer.say("12345\n");
    pairer.expect_failure("at least 6 characters");
    expect_files(&lab, &[]);
}

#[test]
fn client_that_has_confirmed_says_what_the_server_may_have() {
    let lab = Lab::new();
    let trap = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, trap.endpoint(), "there", &["--code", CODE]);
    let mut server = ByHand::new(Side::Server, Some(CODE), trap.accept());
    server.receive(HELLO_LEN);
    // Its own confirmation gets lost.
    server.conn.receive(64);
    drop(server);
    there.expect_failure(
        "If the other host has made its key file, delete it there before the next attempt, \
         and use a new code",
    );
    expect_files(&lab, &[]);
}

/// What fails as soon as it has computed its confirmation must not let it out:
/// the server would keep a key that the client does not.
#[test]
fn client_that_fails_at_once_does_not_confirm() {
    let lab = Lab::new();
    let trap = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, trap.endpoint(), "there", &["--code", CODE]);
    let mut server = Exchange::new(Side::Server, Some(CODE), &Entropy::new([0x66; 32])).unwrap();
    let mut conn = trap.accept();
    let mut hello = Vec::new();
    server.start(&mut hello).unwrap();
    server.receive(&conn.receive(HELLO_LEN), &mut hello).unwrap();
    conn.send([&hello[..], &[7; TAG_LEN]].concat());
    conn.expect_nothing_but(Ending::Closed);
    let exit = there.expect_failure("its confirmation is wrong");
    assert!(!exit.stderr.contains("delete it there"), "{}", exit.stderr);
    expect_files(&lab, &[]);
}
