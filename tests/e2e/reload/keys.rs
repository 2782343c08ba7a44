//! Keys of pipes that change with the file.

use std::fs;

use spiped_tests::{Backend, Configured, Conn, Ending, Lab, Spiped, key_called, pipe};

#[test]
fn keys_change_without_a_change_of_the_file_and_only_theirs_do() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    for name in ["alice", "bob"] {
        lab.write_key(name, key_called(name));
    }
    let crypt = lab.tcp();
    let keys = "key = { alice = \"alice\", bob = \"bob\" }";
    let daemon = Configured::new(&lab);
    let file = [pipe("out", "decrypt", &crypt, backend.endpoint(), keys)];
    daemon.write("", &file);
    let _process = daemon.start(&[&crypt]);
    let copy = |name: &str| lab.write_key(&format!("copy-{name}"), key_called(name));
    let client = |name: &str| Spiped::encrypt(&lab, &crypt).key(copy(name)).start();
    let (alice, bob) = (client("alice"), client("bob"));
    let mut established = alice.connect();
    established.expect_echo(b"before");
    lab.write_key("alice", key_called("another alice"));
    let said = daemon.reload();
    assert!(said.contains("pipe out: keys: 2 in use; replaced: alice"), "{said}");
    alice.connect().expect_nothing_but(Ending::Reset);
    bob.connect().expect_echo(b"not concerned");
    established.expect_echo(b"with the key that it began with");
}

#[test]
fn connections_of_keys_that_are_gone_end_when_close_revoked_comes() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    lab.write_key("alice", key_called("alice"));
    lab.write_key("bob", key_called("bob"));
    let crypt = lab.tcp();
    let write = |daemon: &Configured<'_>, more: &str| {
        daemon.write("", &[pipe("out", "decrypt", &crypt, backend.endpoint(), more)]);
    };
    let daemon = Configured::new(&lab);
    write(&daemon, "key = { alice = \"alice\", bob = \"bob\" }");
    let _process = daemon.start(&[&crypt]);
    let mut conns = ["alice", "bob"].map(|name| {
        let copy = lab.write_key(&format!("copy-{name}"), key_called(name));
        let client = Spiped::encrypt(&lab, &crypt).key(copy).start();
        (client.connect(), client)
    });
    for (conn, _) in &mut conns {
        conn.expect_echo(b"established");
    }
    write(&daemon, "key = { bob = \"bob\" }");
    daemon.reload();
    let [(mut alice, _a), (mut bob, _b)] = conns;
    alice.expect_echo(b"its key is gone, and it goes on");
    write(&daemon, "key = { bob = \"bob\" }\nclose-revoked = true");
    daemon.reload();
    alice.expect_nothing_but(Ending::Reset);
    bob.expect_echo(b"goes on");
}

#[test]
fn key_directory_and_pipe_change_in_one_reload() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    fs::create_dir(lab.path("keys")).unwrap();
    lab.write_key("keys/alice", key_called("alice"));
    let (plain, crypt) = (lab.tcp(), lab.tcp());
    let copy = lab.write_key("copy", key_called("alice"));
    let client = format!("key = {copy:?}");
    let daemon = Configured::new(&lab);
    let encrypt = pipe("in", "encrypt", &plain, &crypt, &client);
    let server = |name: &str, keys: &str| pipe(name, "decrypt", &crypt, backend.endpoint(), keys);
    daemon.write("", &[encrypt.clone(), server("out", "key = \"keys\"")]);
    let _process = daemon.start(&[&plain, &crypt]);
    let mut conn = Conn::to(&plain);
    conn.expect_echo(b"before");
    // The source stays, and belongs to a pipe of another name.
    lab.write_key("keys/bob", key_called("bob"));
    daemon.write("", &[encrypt, server("renamed", "key = \"keys\"\nclose-revoked = true")]);
    daemon.reload();
    Conn::to(&plain).expect_echo(b"through the renamed one");
    conn.expect_echo(b"after");
}
