//! `--peer`: a handshake with the other end, and which end is to be mended.

use std::thread;

use spiped_tests::{Backend, Endpoint, Lab, Origin, Spiped};

use super::{Checked, check};

#[test]
fn right_key_is_told_and_the_connection_comes_to_a_clean_end() {
    for origin in ALL {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).of(origin).start();
        let checked = check_peer(&lab, server.source(), "key", &[]);
        checked.expect_good().expect_line("note: -t: ", "the other end has this key, and a conn");
        checked.expect_sum("1 pipe, 0 errors, 0 warnings");
        assert_eq!(server.process.stderr(), "", "{origin:?}");
        assert_eq!(backend.accepted(), 1);
    }
}

#[test]
fn service_that_keeps_the_connection_is_no_fault() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let checked = check_peer(&lab, server.source(), "key", &["-o", "0.5"]);
    checked.expect_good().expect_line("note: -t: ", "the service behind it keeps the connection");
    // What is left of the connection is an end like any other.
    assert_eq!(backend.accept().receive_all(), b"");
}

#[test]
fn wrong_key_is_told_with_the_fingerprint_to_compare() {
    for origin in ALL {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).of(origin).start();
        let checked = check_peer(&lab, server.source(), "other-key", &["-o", "1"]);
        let words = "does not accept this key, whose fingerprint is ";
        checked.expect_bad().expect_line("error: -k: ", words);
    }
}

#[test]
fn dead_target_there_is_told() {
    for (origin, words) in [
        (
            Origin::Ours,
            "the other end has this key, and then resets the connection: start the service",
        ),
        // It hangs up before it has answered.
        (Origin::Debian, "closes the connection before the handshake: see its log there"),
    ] {
        let lab = Lab::new();
        let server = Spiped::decrypt(&lab, &lab.tcp()).of(origin).start();
        let checked = check_peer(&lab, server.source(), "key", &[]);
        checked.expect_bad().expect_line("error: -t: ", words);
    }
}

#[test]
fn nobody_there_is_told() {
    let lab = Lab::new();
    let checked = check_peer(&lab, &lab.tcp(), "key", &[]);
    checked.expect_bad().expect_line("error: -t: ", "Connection refused");
}

#[test]
fn key_exchange_that_the_other_end_does_not_have_is_told() {
    for (origin, there, here, words) in [
        (Origin::Debian, &[][..], &["--kex", "x25519"][..], "does not support the key exchange"),
        (Origin::Ours, &["--kex", "x25519"], &[], "accepts the key exchange x25519 only"),
    ] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).of(origin).args(there).start();
        let here = [here, &["-o", "1"]].concat();
        let checked = check_peer(&lab, server.source(), "key", &here);
        checked.expect_bad().expect_line("error: --kex: ", words);
    }
}

#[test]
fn forward_secrecy_that_the_other_end_requires_is_told() {
    for origin in ALL {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).of(origin).args(&["-g"]).start();
        let checked = check_peer(&lab, server.source(), "key", &["-f"]);
        checked.expect_bad().expect_line("error: -f: ", "requires forward secrecy");
    }
}

#[test]
fn program_that_is_no_spiped_is_told() {
    let lab = Lab::new();
    let ssh = Backend::manual(&lab);
    let target = ssh.endpoint().clone();
    let served = thread::spawn(move || {
        let mut conn = ssh.accept();
        conn.send("SSH-2.0-OpenSSH_9.2\r\n");
        conn.receive_to_end();
    });
    let checked = check_peer(&lab, &target, "key", &["-o", "1"]);
    checked.expect_bad().expect_line("error: -t: ", "the target speaks SSH, not spiped");
    served.join().unwrap();
    // One that waits for us to begin.
    let silent = Backend::manual(&lab);
    let checked = check_peer(&lab, silent.endpoint(), "key", &["-o", "0.5"]);
    checked.expect_bad().expect_line("error: -t: ", "accepts the connection and sends nothing");
}

#[test]
fn end_that_decrypts_says_where_to_check() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (source, target) = (lab.tcp().to_string(), backend.endpoint().to_string());
    let words = ["-d", "-s", &source, "-t", &target, "-k", "key", "--peer"];
    check(&lab, &words).expect_good().expect_line("note: -t: ", "on the host that encrypts");
}

/// Checks a `spiped -e` to there.
#[track_caller]
fn check_peer(lab: &Lab, target: &Endpoint, key: &str, more: &[&str]) -> Checked {
    let (source, target) = (lab.tcp().to_string(), target.to_string());
    let words = ["--peer", "-e", "-s", &source, "-t", &target, "-k", key];
    check(lab, &[&words[..], more].concat())
}

const ALL: [Origin; 2] = [Origin::Ours, Origin::Debian];
