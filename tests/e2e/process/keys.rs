//! Where the key comes from, and what it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use spiped_tests::{Backend, Exit, KEY, Lab, OTHER_KEY, Spiped};

#[test]
fn key_from_standard_input_is_the_same_key() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("-");
    let server = server.stdin(lab.key()).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"same key");
}

#[test]
fn trailing_newline_counts() {
    assert!(!keys_match(KEY, KEY.trim_ascii_end()));
}

#[test]
fn any_content_is_a_key() {
    let long: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    for content in [b"".as_slice(), b"\0", &long] {
        assert!(keys_match(content, content), "{} bytes", content.len());
        assert!(!keys_match(content, OTHER_KEY));
    }
}

#[test]
fn key_file_that_others_can_read_works() {
    let lab = Lab::new();
    let key = lab.write("readable", KEY);
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    Spiped::encrypt(&lab, &lab.tcp()).key(key).start();
}

#[test]
fn missing_key_file_fails_the_start() {
    let exit = start_with_key("missing");
    exit.expect_failure("Cannot open file: missing: No such file or directory");
}

#[test]
fn directory_as_key_file_fails_the_start() {
    start_with_key("/").expect_failure("Error reading file: /: Is a directory");
}

fn keys_match(client_key: &[u8], server_key: &[u8]) -> bool {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key(lab.write_key("d", server_key));
    let server = server.start();
    let client = Spiped::encrypt(&lab, server.source()).key(lab.write_key("e", client_key));
    client.start().connect().echoes(b"same key")
}

fn start_with_key(key: &str) -> Exit {
    let lab = Lab::new();
    Spiped::encrypt(&lab, &lab.tcp()).key(key).run()
}
