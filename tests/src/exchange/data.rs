//! Bytes and ends, both ways.

use super::NAP;
use crate::payload::{Transfer, bytes};
use crate::{Backend, Client, Ending, Lab, LineUp, Link, wait};

/// An echo of as many bytes as fit in one packet, or just not; and of none.
pub fn sizes(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut link = pair.open();
    for size in [1, 1023, 1024, 1025, 5000] {
        link.expect_echo(bytes(1, size));
    }
    assert_eq!(link.finish(), b"");
    assert_eq!(pair.open().finish(), b"", "after no bytes");
}

/// An echo, with further arguments for each end.
pub fn works(line_up: LineUp, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), client_args, server_args);
    let mut link = pair.open();
    link.expect_echo(bytes(1, 1500));
    assert_eq!(link.finish(), b"");
}

/// The target answers only after it has seen the end of the request.
pub fn client_closes_first(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut link = pair.open();
    link.send(b"request");
    drop(std::mem::replace(&mut link.writer, Box::new(std::io::sink())));
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"request");
    let reply = bytes(1, 100_000);
    target.send(&reply);
    drop(target);
    assert!(link.finish() == reply, "the reply is whole");
}

/// The application goes on after the target has ended its direction.
pub fn target_closes_first(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut link = pair.open();
    let mut target = backend.accept();
    target.send(b"greeting");
    target.half_close();
    assert_eq!(link.receive(8), b"greeting");
    link.send(b"request");
    assert_eq!(target.receive(7), b"request");
    link.send(b" and more");
    let rest = std::thread::spawn(move || target.receive_all());
    assert_eq!(link.finish(), b"");
    assert_eq!(rest.join().unwrap(), b" and more");
}

/// Either side speaks first after nothing has happened for a while, and again
/// after one direction has ended.
pub fn idle(line_up: LineUp) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let mut link = pair.open();
    let mut target = backend.accept();
    let message = bytes(1, 5000);
    link.send(&message);
    assert_eq!(target.receive(5000), message);
    wait::observe(NAP);
    target.send(&message);
    assert_eq!(link.receive(5000), message);
    wait::observe(NAP);
    drop(std::mem::replace(&mut link.writer, Box::new(std::io::sink())));
    target.expect_nothing_but(Ending::Closed);
    wait::observe(NAP);
    target.send(b"reply");
    drop(target);
    assert_eq!(link.finish(), b"reply");
}

/// Full duplex, compared by hash.
pub fn bulk_both_ways(line_up: LineUp, length: u64) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = line_up.start(&lab, backend.endpoint(), &[], &[]);
    let near = pair.open();
    let far = backend.accept().into_link();
    let there = Transfer::start(near.writer, far.reader, length);
    let back = Transfer::start(far.writer, near.reader, length + 1);
    there.check();
    back.check();
    if let Some(mut child) = near.child {
        child.wait().expect_success();
    }
}

/// All are open before the first is used up. They open a few at a time where
/// the original accepts them: it lets ten wait, and the kernel makes the rest
/// wait for seconds.
pub fn many_at_once(line_up: LineUp) {
    let count: usize = match line_up.client {
        Client::Daemon => 200,
        Client::Spipe => 24,
    };
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = line_up.start_for_many(&lab, backend.endpoint());
    let batch = if line_up.is_ours() { count } else { 8 };
    let mut links = Vec::new();
    for _ in 0..count.div_ceil(batch) {
        let mut new: Vec<_> = (0..batch).map(|_| pair.open()).collect();
        expect_echoes(&mut new, b"all");
        links.append(&mut new);
    }
    expect_echoes(&mut links, b"at once");
    assert_eq!(backend.accepted(), count);
    for link in links {
        assert_eq!(link.finish(), b"");
    }
}

/// Sends to all before it receives from any.
fn expect_echoes(links: &mut [Link], message: &[u8]) {
    for link in &mut *links {
        link.send(message);
    }
    for link in links {
        assert_eq!(link.receive(message.len()), message);
    }
}
