//! The vectors of `docs/pairing.md`, which an independent model made.

use std::fmt::Write as _;

use spiped_core::Side;
use spiped_core::pairing::Entropy;

use crate::parties::{CODE, Party, converse};

const DOCUMENT: &str = include_str!("../../../docs/pairing.md");

#[test]
fn comparing_is_as_documented() {
    check("Comparing", None);
}

#[test]
fn code_is_as_documented() {
    check("With the code", Some(CODE));
}

#[test]
fn white_space_around_a_code_does_not_count() {
    check("With the code", Some(" correct horse\n"));
}

fn check(heading: &str, code: Option<&str>) {
    let [mut client, mut server] = ends(code);
    let conversation = converse(&mut client, &mut server).unwrap();

    assert_eq!(documented(heading, "client hello"), hex(&conversation.from_client[0]));
    assert_eq!(documented(heading, "server hello"), hex(&conversation.from_server[0]));
    assert_eq!(documented(heading, "client value"), hex(&conversation.from_client[1]));
    assert_eq!(documented(heading, "client tag"), hex(&conversation.from_client[2]));
    assert_eq!(documented(heading, "server tag"), hex(&conversation.from_server[1]));
    assert_eq!(documented(heading, "key file"), hex(&client.key().unwrap()));
    assert_eq!(client.key(), server.key());
}

#[test]
fn string_is_as_documented() {
    let [mut client, mut server] = ends(None);
    let hello = server.receive(&client.take()).unwrap();
    let value = client.receive(&hello).unwrap();
    server.receive(&value).unwrap();
    let expected = documented("Comparing", "string");
    assert_eq!(client.string().as_deref(), Some(expected));
    assert_eq!(server.string().as_deref(), Some(expected));
}

/// The value of this name under this heading.
fn documented(heading: &str, name: &str) -> &'static str {
    let (_, section) = DOCUMENT.split_once(&format!("### {heading}")).unwrap();
    let line = section.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn ends(code: Option<&str>) -> [Party; 2] {
    [(Side::Client, 0..32), (Side::Server, 32..64)].map(|(side, bytes)| {
        let bytes: Vec<u8> = bytes.collect();
        Party::with_entropy(side, code, &Entropy::from_slice(&bytes).unwrap())
    })
}
