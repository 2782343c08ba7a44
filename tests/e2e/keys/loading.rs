//! Keys that keep the daemon from starting, and those it warns about.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use spiped_tests::{Backend, Exit, KEY, Lab, Spipe, Spiped, key_called, procfs, wait};

use super::{Keys, expect_service, link, reload};

/// protocol.md A-6.
#[test]
fn equal_content_is_refused_and_both_names_are_told() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "bob"]);
    lab.write_key("keys/carol", key_called("alice"));
    start(&keys).expect_failure("Keys alice and carol have the same content");
}

#[test]
fn equal_names_are_refused() {
    let lab = Lab::new();
    let spiped = Spiped::decrypt(&lab, &lab.tcp()).key("alice=key");
    let exit = spiped.args(&["-k", "alice=other-key"]).run();
    exit.expect_failure("Two keys have the name alice");
}

#[test]
fn empty_directory_is_refused() {
    let lab = Lab::new();
    start(&Keys::new(&lab, &[".hidden"])).expect_failure("No key file in the directory");
}

#[test]
fn more_keys_than_there_can_be_are_refused() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &[]);
    for number in 0..1025 {
        keys.add(&number.to_string());
    }
    start(&keys).expect_failure("1025 keys; 1024 are possible");
}

#[test]
fn link_that_leads_nowhere_is_refused_and_named() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    link("nowhere", keys.file("bob"));
    start(&keys).expect_failure("Cannot open file: ");
    start(&keys).expect_failure("/keys/bob: No such file or directory");
}

#[test]
fn missing_file_of_a_named_key_is_named() {
    let lab = Lab::new();
    let exit = Spiped::decrypt(&lab, &lab.tcp()).key("alice=missing").run();
    exit.expect_failure(
        "Cannot open file: alice=missing (nor missing, as a key called alice): No such file",
    );
}

#[test]
fn client_with_a_directory_is_told_what_to_do() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    let remedy = "Is a directory (a directory of keys is for spiped -d; name one of its files)";
    let exit = Spiped::encrypt(&lab, &lab.tcp()).key(keys.directory()).run();
    exit.expect_failure(remedy);
    let mut spipe = Spipe::to(&lab, &lab.tcp()).key(keys.directory()).start();
    spipe.process.wait().expect_failure(remedy);
}

#[test]
fn directory_is_not_one_key_with_a_name() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    let named = format!("bob={}", keys.directory().display());
    for spiped in [Spiped::encrypt(&lab, &lab.tcp()), Spiped::decrypt(&lab, &lab.tcp())] {
        spiped.key(&named).run().expect_failure("/keys: Is a directory");
    }
}

#[test]
fn second_key_of_a_client_is_a_mistake_of_usage() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("alice=key");
    let exit = spiped.args(&["-k", "bob=other-key"]).run();
    exit.expect_failure("Option given more than once: -k");
}

#[test]
fn second_key_without_a_name_is_a_mistake_of_usage() {
    for [first, second] in [["key", "other-key"], ["key", "b=other-key"], ["a=key", "other-key"]] {
        let lab = Lab::new();
        let exit = Spiped::decrypt(&lab, &lab.tcp()).key(first).args(&["-k", second]).run();
        exit.expect_failure("Option given more than once: -k");
    }
}

#[test]
fn whatever_is_no_key_in_a_directory_is_refused_and_named() {
    for (name, mode, reason) in [
        (
            "redis.env",
            0o600,
            "/keys/redis.env is in a directory of keys and is named like another kind of file",
        ),
        ("bob", 0o644, "/keys/bob can be read by other users: run chmod o-r "),
        ("bob", 0o620, "/keys/bob can be changed by other users: run chmod go-w "),
    ] {
        let lab = Lab::new();
        let keys = Keys::new(&lab, &["alice", name]);
        fs::set_permissions(keys.file(name), Permissions::from_mode(mode)).unwrap();
        start(&keys).expect_failure(reason);
    }
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice"]);
    fs::set_permissions(keys.directory(), Permissions::from_mode(0o777)).unwrap();
    start(&keys).expect_failure("/keys can be changed by other users: run chmod go-w ");
}

/// The directory of settings, and one below it whose name a variable left empty.
#[test]
fn settings_beside_a_key_do_not_become_one() {
    let lab = Lab::new();
    let settings = lab.directory().join("etc");
    fs::create_dir(&settings).unwrap();
    lab.write_key("etc/redis.key", KEY);
    lab.write(
        "etc/redis.env",
        include_bytes!("../../../host/packaging/systemd/example-server.env"),
    );
    for directory in [settings.clone(), settings.join("")] {
        let exit = Spiped::decrypt(&lab, &lab.tcp()).key(directory).run();
        exit.expect_failure(
            "redis.env is in a directory of keys and is named like another kind of file",
        );
    }
}

#[test]
fn kubernetes_volume_works_and_follows_its_updates() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let keys = Keys::new(&lab, &[]);
    let version = |number: u32, names: &[&str]| {
        let name = format!("..2026_11_26_05_47_48.{number}");
        fs::create_dir(keys.file(&name)).unwrap();
        for key in names {
            let path = lab.write_key(&format!("keys/{name}/{key}"), key_called(key));
            fs::set_permissions(path, Permissions::from_mode(0o440)).unwrap();
        }
        link(&name, keys.file("..data_tmp"));
        fs::rename(keys.file("..data_tmp"), keys.file("..data")).unwrap();
    };
    version(1, &["alice"]);
    link("..data/alice", keys.file("alice"));
    fs::set_permissions(keys.directory(), Permissions::from_mode(0o1777)).unwrap();
    let server = keys.server(backend.endpoint()).start();
    server.process.wait_for_stderr("Keys in use: alice\n");
    expect_service(&keys.client(&server, "alice"));

    version(2, &["alice", "bob"]);
    link("..data/bob", keys.file("bob"));
    reload(&server);
    server.process.wait_for_stderr("2 in use; added: bob\n");
    expect_service(&keys.client(&server, "bob"));
}

#[test]
fn single_file_is_taken_with_warnings_and_refused_if_rules_are_strict() {
    for (content, mode, warning) in [
        (KEY, 0o644, "Key file k can be read by other users: run chmod o-r k"),
        (KEY, 0o660, "Key file k can be changed by other users: run chmod go-w k"),
        (
            b"",
            0o600,
            "Key file k is empty, and anyone can guess this key: make one with spiped keygen",
        ),
        (b"hunter2\n", 0o600, "Key file k is easy to guess: it has less than 128 bits, and anyone"),
    ] {
        let lab = Lab::new();
        fs::set_permissions(lab.write("k", content), Permissions::from_mode(mode)).unwrap();
        let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("k");
        let log = spiped.start().process.stderr();
        assert!(log.contains(warning) && log.lines().count() == 1, "{log}");
        let exit = spiped.args(&["--strict-keys"]).run();
        exit.expect_failure(&format!("Error reading shared secret: {warning}"));
    }
}

#[test]
fn key_of_another_user_is_warned_about_unless_it_is_that_of_u() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let lab = Lab::new();
    std::os::unix::fs::chown(lab.key(), Some(65534), None).unwrap();
    let warning = "Key file key belongs to user 65534, who can change it: run chown root key";
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).key("key");
    assert!(spiped.start().process.stderr().contains(warning));
    assert_eq!(spiped.args(&["-u", "65534"]).start().process.stderr(), "");
}

#[test]
fn standard_input_is_not_told_to_change_a_file() {
    let lab = Lab::new();
    let key = lab.write("k", "hunter2");
    fs::set_permissions(&key, Permissions::from_mode(0o666)).unwrap();
    let log = Spiped::encrypt(&lab, &lab.tcp()).key("-").stdin(key).start().process.stderr();
    assert_eq!(log.matches("The key on standard input is ").count(), 3, "{log}");
    assert!(!log.contains("chmod"), "{log}");
}

#[test]
fn start_says_which_keys_are_in_use_and_none_of_them() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "bob"]);
    let several = keys.server(&lab.tcp()).start().process.stderr();
    assert!(several.contains("Keys in use: alice, bob\n"), "{several}");
    let one = Spiped::encrypt(&lab, &lab.tcp()).args(&["--log-level", "info"]).start();
    one.process.wait_for_stderr("Key in use: ");
    assert!(one.process.stderr().contains("/key\n"));
}

/// A pipe may be fed by a person. The line is for one who forgot.
#[test]
fn key_is_awaited_without_a_limit_and_a_line_says_so() {
    let lab = Lab::new();
    let fifo = lab.path("fifo");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let source = lab.tcp();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).source(&source).key("fifo");
    let mut late = spiped.launch();
    let mut ended = spiped.spawn();
    for process in [&late, &ended] {
        process.wait_for_stderr("Still waiting for the end of the key from fifo: ");
    }
    ended.signal(Signal::SIGTERM);
    assert_eq!(ended.wait().signal(), Some(Signal::SIGTERM as i32));
    // It forks afterwards: whatever watched the clock must be gone.
    fs::write(&fifo, KEY).unwrap();
    late.wait().expect_success();
    wait::until("the daemon listened", || procfs::is_listening(&source));
}

#[test]
fn empty_file_is_no_key() {
    let lab = Lab::new();
    let keys = Keys::new(&lab, &["alice", "carol"]);
    lab.write_key("keys/carol", "");
    start(&keys).expect_failure("/keys/carol is empty");
    lab.write_key("empty", "");
    let named = Spiped::decrypt(&lab, &lab.tcp()).key("dave=empty").run();
    named.expect_failure("empty is empty");
}

#[track_caller]
fn start(keys: &Keys<'_>) -> Exit {
    keys.server(&keys.lab.tcp()).run()
}
