//! Connections that move from one host to the next.

use spiped_host_tests::{Host, NODE, PYTHON};
use spiped_tests::Lab;

use crate::guest::{Call, Guest, KeyExchange, handshake};
use crate::suite::programs::command;

/// The states of both ends, and the rest of a packet to the client.
type Moved = [Vec<u8>; 3];

#[test]
fn connection_moves_from_node_to_python() {
    expect_all(&resume(&PYTHON, &suspend(&NODE)));
}

#[test]
fn connection_moves_from_python_to_rust() {
    expect_all(&resume_in_rust(&suspend(&PYTHON)));
}

#[test]
fn connection_moves_from_rust_to_node() {
    expect_all(&resume(&NODE, &suspend_in_rust()));
}

/// As the programs of hosts do.
fn suspend_in_rust() -> Moved {
    let ends = handshake(KeyExchange::Modp2048);
    let (mut client, mut server) = (ends.client, ends.server);
    let (packet, _) = client.call(Call::Plain(b"before"));
    server.receive(&packet);
    let (packet, _) = server.call(Call::Plain(b"on the way"));
    client.receive(&packet[..500]);
    [client.suspend(), server.suspend(), packet[500..].to_vec()]
}

/// What comes through, one text a line.
fn resume_in_rust([client, server, rest]: &Moved) -> String {
    let (mut client, mut server) = (Guest::new().resume(client), Guest::new().resume(server));
    let first = client.receive(rest);
    let (packet, _) = client.call(Call::Plain(b"there"));
    let second = server.receive(&packet);
    let (packet, _) = server.call(Call::Plain(b"and back"));
    let third = client.receive(&packet);
    let lines = [first, second, third].map(|text| String::from_utf8(text).unwrap());
    lines.join("\n")
}

fn suspend(host: &Host) -> Moved {
    let answer = answer(host, &["suspend".into()]);
    let words: Vec<_> = answer.lines().map(unhex).collect();
    words.try_into().unwrap()
}

fn resume(host: &Host, moved: &Moved) -> String {
    let words = moved.each_ref().map(|part| hex(part));
    answer(host, &[&["resume".into()], &words[..]].concat())
}

fn answer(host: &Host, words: &[String]) -> String {
    let lab = Lab::new();
    let mut command = command(&lab, host.state);
    command.args(words);
    crate::run(command).answer()
}

#[track_caller]
fn expect_all(answer: &str) {
    assert_eq!(answer, "on the way\nthere\nand back");
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
