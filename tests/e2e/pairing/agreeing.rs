//! Two users say yes, and have the same key.

use spiped_tests::{Backend, Exit, Lab, Origin, Process, Program, Spiped};

use super::{CODE, Pairer, expect_files, expect_same_key, start_both};

#[test]
fn both_show_the_same_and_make_the_same_key() {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &[], &[]);
    assert_eq!(here.digits(), there.digits());
    expect_files(&lab, &[]);
    here.say("yes\n");
    there.say("yes\n");
    let fingerprint = here.expect_key("here");
    assert_eq!(there.expect_key("there"), fingerprint);
    expect_same_key(&lab, ["here", "there"]);
    expect_files(&lab, &["here", "there"]);

    let lines = format!("here: {fingerprint}\nthere: {fingerprint}\n");
    let exit: Exit =
        Process::spawn(Program::Spiped.ours(&lab, &["fingerprint", "here", "there"])).wait();
    exit.expect_success();
    assert_eq!(String::from_utf8(exit.stdout).unwrap(), lines);
}

#[test]
fn either_user_may_be_first() {
    for client_first in [true, false] {
        let lab = Lab::new();
        let (mut here, mut there) = start_both(&lab, &[], &[]);
        let (first, second) =
            if client_first { (&mut there, &mut here) } else { (&mut here, &mut there) };
        first.digits();
        first.say("yes\n");
        second.digits();
        expect_files(&lab, &[]);
        second.say("yes\n");
        assert_eq!(here.expect_key("here"), there.expect_key("there"));
        expect_same_key(&lab, ["here", "there"]);
    }
}

#[test]
fn unix_socket_goes_with_the_listener() {
    let lab = Lab::new();
    let at = lab.unix("socket");
    let mut here = Pairer::listen(&lab, &at, "here", &["--code", CODE]);
    let mut there = Pairer::connect(&lab, &at, "there", &["--code", CODE]);
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    expect_files(&lab, &["here", "there"]);
}

#[test]
fn pipe_with_a_paired_key_works() {
    pipe_works(Origin::Ours);
}

/// The key is a key file like any other.
pub(crate) fn pipe_works(client: Origin) {
    let lab = Lab::new();
    let (mut here, mut there) = start_both(&lab, &["--code", CODE], &["--code", CODE]);
    here.expect_key("here");
    there.expect_key("there");

    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key(lab.path("here")).start();
    let client = Spiped::encrypt(&lab, server.source()).of(client).key(lab.path("there")).start();
    client.connect().expect_echo(b"through the pipe");
}
