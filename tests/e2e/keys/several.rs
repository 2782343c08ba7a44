//! Which peers get in, and under which names.

use spiped_tests::{Backend, Lab, Origin, Spipe, Spiped, wait};

use super::{Keys, expect_refusal, expect_service, link};

#[test]
fn each_of_fifty_keys_opens_the_pipe_to_clients_of_all_kinds() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let names: Vec<_> = (0..50).map(|number| format!("client-{number}")).collect();
    let keys = Keys::new(&lab, &names.iter().map(|name| &**name).collect::<Vec<_>>());
    let server = keys.server(backend.endpoint()).start();
    for (origin, args, names) in [
        (Origin::Ours, &[][..], ["client-0", "client-17", "client-49"]),
        (Origin::Ours, &["--kex", "x25519"], ["client-2", "client-24", "client-47"]),
        (Origin::Debian, &[], ["client-1", "client-25", "client-48"]),
    ] {
        for name in names {
            let key = keys.copy(name);
            let client = Spiped::encrypt(&lab, server.source()).of(origin).key(&key);
            let client = client.args(args).start();
            let mut conn = expect_service(&client);
            conn.half_close();
            assert_eq!(conn.receive_all(), b"");
            let spipe = Spipe::to(&lab, server.source()).of(origin).key(key).args(args);
            let mut link = spipe.start().into_link();
            link.expect_echo(b"served, too");
            assert_eq!(link.finish(), b"");
            let line = format!(": key {name}: closed: 6 bytes sent, 6 bytes received");
            server.process.wait_for_stderr(&line);
            let line = format!(": key {name}: closed: 11 bytes sent, 11 bytes received");
            server.process.wait_for_stderr(&line);
        }
    }
    assert_eq!(backend.accepted(), 18);
}

#[test]
fn key_that_is_not_among_them_is_refused() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).start();
    expect_refusal(&Spiped::encrypt(&lab, server.source()).start());
    let debian = Spiped::encrypt(&lab, server.source()).of(Origin::Debian).start();
    let mut conn = debian.connect();
    conn.try_send(b"this must not arrive");
    conn.expect_end_without_data();
    wait::until("both were refused", || {
        server.process.stderr().matches("refused: wrong key").count() == 2
    });
    assert_eq!(backend.accepted(), 0);
}

#[test]
fn as_many_keys_as_there_can_be_work() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &[]);
    for number in 0..1024 {
        keys.add(&format!("client-{number:04}"));
    }
    let server = keys.server(backend.endpoint()).start();
    for name in ["client-0000", "client-0512", "client-1023"] {
        let client = keys.client(&server, name);
        drop(expect_service(&client));
        server.process.wait_for_stderr(&format!(": key {name}: closed: "));
    }
    expect_refusal(&Spiped::encrypt(&lab, server.source()).start());
    server.process.wait_for_stderr("refused: wrong key");
}

#[test]
fn every_key_works_without_forward_secrecy() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let server = keys.server(backend.endpoint()).args(&["-f"]).start();
    for name in ["alice", "bob"] {
        // It lives until its connection is over: a client that is killed resets.
        let client = keys.client(&server, name);
        drop(expect_service(&client));
        server.process.wait_for_stderr(&format!(": key {name}: closed: "));
    }
}

#[test]
fn names_can_be_given_on_the_command_line() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=key");
    let server = server.args(&["-k", "bob=other-key", "--log-level", "info"]).start();
    for (key, name) in [(lab.key(), "alice"), (lab.other_key(), "bob")] {
        let client = Spiped::encrypt(&lab, server.source()).key(key).start();
        expect_service(&client);
        server.process.wait_for_stderr(&format!(": key {name}: closed: "));
    }
}

#[test]
fn file_that_looks_like_a_name_is_read_as_ever() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    lab.write_key("alice=other-key", spiped_tests::KEY);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("alice=other-key");
    let server = server.args(&["--log-level", "info"]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    drop(expect_service(&client));
    server.process.wait_for_stderr(": closed: ");
    assert!(!server.process.stderr().contains("key alice"));
}

#[test]
fn client_names_its_key_in_its_log() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).key("mine=key");
    let client = client.args(&["--log-level", "info"]).start();
    expect_service(&client);
    client.process.wait_for_stderr(": key mine: closed: ");
}

#[test]
fn hidden_files_and_directories_are_no_keys_and_links_are() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    // As Kubernetes lays out a secret.
    let keys = Keys::new(&lab, &[".hidden"]);
    std::fs::create_dir(keys.file("..data")).unwrap();
    keys.add("..data/alice");
    link("..data/alice", keys.file("alice"));
    let server = keys.server(backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).key(keys.file("..data/alice")).start();
    expect_service(&client);
    let client = Spiped::encrypt(&lab, server.source()).key(keys.file(".hidden")).start();
    expect_refusal(&client);
}

#[test]
fn names_cannot_forge_lines_of_the_log() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &["a\nspiped: b"]);
    let server = keys.server(backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).key(keys.file("a\nspiped: b")).start();
    expect_service(&client);
    server.process.wait_for_stderr(r#": key "a\nspiped:\x20b": closed: "#);
}
