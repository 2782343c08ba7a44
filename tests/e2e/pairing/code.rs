//! Pairing under a code: nobody is asked.

use spiped_core::Side;
use spiped_core::pairing::{Exchange, HELLO_LEN, TAG_LEN};
use spiped_tests::{Backend, Conn, Ending, Lab, procfs, wait};

use super::{ByHand, CODE, Pairer, entropy, expect_files, expect_same_key, start_both};

#[test]
fn code_comes_from_the_command_line_or_standard_input() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen_later(&lab, &at, "here", &["--code", "-"]);
    here.say("kettle7blue\nwhat follows is not looked at");
    wait::until("it listens", || procfs::is_listening(&at));
    let mut there = Pairer::connect(&lab, &at, "there", &["--code", CODE]);
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    expect_same_key(&lab, ["here", "there"]);
    assert!(!here.process.stderr().contains("yes/no"));
}

#[test]
fn wrong_code_makes_no_key_on_either_side() {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &["--code", CODE], &["--code", "kettle8blue"]);
    here.expect_failure("the codes differ, or an attacker has guessed");
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
    here.expect_failure("the codes differ, or an attacker has guessed");

    let trap = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, trap.endpoint(), "there", &["--code", CODE]);
    let mut guessing = ByHand::new(Side::Server, Some("a guess"), trap.accept());
    guessing.receive(HELLO_LEN);
    guessing.conn.receive(64);
    guessing.conn.send([7; 32]);
    there.expect_failure("the codes differ, or an attacker has guessed");
    expect_files(&lab, &[]);
}

#[test]
fn code_on_one_side_only_is_named() {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &[], &["--code", CODE]);
    here.expect_failure("use a code on both hosts, or on neither");
    there.expect_failure("see the message on the other host");
    expect_files(&lab, &[]);
}

#[test]
fn spelling_of_a_code_does_not_matter() {
    for (here, there) in [("Kettle-7 Blue", "kettle7blue"), (" KETTLE 7-blue", "ket tle-7 blue  ")]
    {
        let lab = Lab::new();
        let (mut here, mut there) = start_both(&lab, &["--code", here], &["--code", there]);
        assert_eq!(here.expect_key("here"), there.expect_key("there"));
    }
}

/// The component alone is a peer that gets the canonical form.
#[test]
fn code_goes_into_the_exchange_in_canonical_form() {
    let lab = Lab::new();
    let trap = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, trap.endpoint(), "there", &["--code", "Kettle-7 Blue"]);
    let mut server = ByHand::new(Side::Server, Some("kettle7blue"), trap.accept());
    server.receive(HELLO_LEN);
    server.receive(64);
    there.expect_key("there");
}

#[test]
fn weak_code_is_refused_with_the_reason_before_anything_is_done() {
    let lab = Lab::new();
    let at = lab.tcp().to_string();
    for (code, reason) in [
        ("a7k2xq9", "too short"),
        (" a-7-k-2 x q 9 ", "too short"),
        ("grüne Kessel", "only printable ASCII characters"),
        ("abcdefgh12345678", "counts up or down"),
        ("1985-02-14", "a date"),
        ("Password!1", "a common password"),
    ] {
        let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", code], "here");
        let exit = pairer.expect_failure(reason);
        assert!(exit.stderr.contains("--new-code"), "{}", exit.stderr);
        assert!(!exit.stderr.contains(code.trim()), "{}", exit.stderr);
        let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", "-"], "here");
        pairer.say(&format!("{code}\n"));
        let exit = pairer.expect_failure(reason);
        assert!(!exit.stderr.contains("Listening"), "{}", exit.stderr);
    }
    expect_files(&lab, &[]);
}

#[test]
fn code_that_does_not_come_is_an_error() {
    let lab = Lab::new();
    let at = lab.tcp().to_string();
    let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", "-"], "here");
    drop(pairer.stdin.take());
    pairer.expect_failure("There is no code on standard input");
    let mut pairer = Pairer::start(&lab, &["--listen", &at, "--code", "-"], "here");
    pairer.say("\n");
    pairer.expect_failure("too short");
    expect_files(&lab, &[]);
}

/// The code that a host shows that made one.
#[track_caller]
fn shown(here: &Pairer) -> String {
    here.process.wait_for_stderr("Now run spiped pair --connect --code - on the other host.");
    let stderr = here.process.stderr();
    let (_, code) = stderr.split_once("Type this code on the other host: ").unwrap();
    code.lines().next().unwrap().to_owned()
}

#[test]
fn new_code_from_one_host_is_typed_on_the_other() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &["--new-code"]);
    let code = shown(&here);
    assert_eq!(code.replace('-', "").len(), 16, "{code}");
    let mut there = Pairer::connect(&lab, &at, "there", &["--code", "-"]);
    there.say(&code.replace('-', " "));
    there.say("\n");
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    expect_same_key(&lab, ["here", "there"]);

    // The next run has another one, and the old one is of no use.
    let mut here = Pairer::listen(&lab, &at, "again", &["--new-code"]);
    assert_ne!(shown(&here), code);
    let mut there = Pairer::connect(&lab, &at, "there-again", &["--code", &code]);
    here.expect_failure("the codes differ");
    there.expect_failure("it closed the connection");
    expect_files(&lab, &["here", "there"]);
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
        "If the other host has created its key file, delete it there before the next attempt, \
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
    let mut server = Exchange::new(Side::Server, Some(CODE), &entropy()).unwrap();
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
