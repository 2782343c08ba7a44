//! The component in Node with Debian's programs.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use spiped_tests::payload::{self, Transfer, bytes};
use spiped_tests::{Backend, Endpoint, Lab, Link, Origin, Process, RunningSpipe, Spiped, wait};

use crate::node;

/// One test for each scenario, with Node at one of the ends.
macro_rules! tests {
    ($name:ident, $node:expr) => {
        mod $name {
            use super::Node;

            #[test]
            fn every_size_comes_back() {
                super::sizes($node, &[], &[]);
            }

            #[test]
            fn mebibyte_comes_back() {
                super::mebibyte($node);
            }

            #[test]
            fn big_payloads_cross_both_ways_at_once() {
                super::bulk_both_ways($node);
            }

            #[test]
            fn late_reply_to_a_half_closed_request_arrives() {
                super::client_closes_first($node);
            }

            #[test]
            fn late_request_to_a_half_closed_target_arrives() {
                super::target_closes_first($node);
            }

            #[test]
            fn wrong_key_is_refused() {
                super::wrong_key($node);
            }

            #[test]
            fn client_omits_forward_secrecy() {
                super::sizes($node, &["-f"], &[]);
            }

            #[test]
            fn server_omits_forward_secrecy() {
                super::sizes($node, &[], &["-f"]);
            }

            #[test]
            fn both_omit_forward_secrecy() {
                super::sizes($node, &["-f"], &["-f"]);
            }

            #[test]
            fn both_require_forward_secrecy_and_get_it() {
                super::sizes($node, &["-g"], &["-g"]);
            }

            #[test]
            fn client_refuses_server_without_forward_secrecy() {
                super::no_forward_secrecy($node, &["-g"], &["-f"]);
            }

            #[test]
            fn server_refuses_client_without_forward_secrecy() {
                super::no_forward_secrecy($node, &["-f"], &["-g"]);
            }
        }
    };
}

tests!(client, Node::Client);
tests!(server, Node::Server);

#[test]
fn slow_target_slows_the_client() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pipe = Node::Server.connect(&lab, backend.endpoint(), &[], &[]);
    let far = backend.accept().into_link();
    stalls_until_read(pipe.link.writer, far);
}

#[test]
fn slow_client_slows_the_target() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pipe = Node::Server.connect(&lab, backend.endpoint(), &[], &[]);
    let far = backend.accept().into_link();
    stalls_until_read(far.writer, pipe.link);
}

/// Which end of the pipe is ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    /// `spipe.mjs`, with Debian's `spiped -d`.
    Client,
    /// `spiped-server.mjs`, with Debian's `spiped -e`.
    Server,
}

/// An open connection to the target.
struct Pipe {
    link: Link,
    /// Our server, or theirs.
    server: Process,
    /// Their daemon, where they are the client.
    _client: Option<Process>,
}

impl Node {
    #[track_caller]
    fn connect(
        self,
        lab: &Lab,
        target: &Endpoint,
        client_args: &[&str],
        server_args: &[&str],
    ) -> Pipe {
        self.connect_with_key(lab, &lab.key(), target, client_args, server_args)
    }

    /// With this key at the client's end.
    #[track_caller]
    fn connect_with_key(
        self,
        lab: &Lab,
        client_key: &Path,
        target: &Endpoint,
        client_args: &[&str],
        server_args: &[&str],
    ) -> Pipe {
        match self {
            Self::Client => {
                let server = Spiped::decrypt(lab, target).of(Origin::Debian).args(server_args);
                let server = server.start();
                let client = node::client(lab, client_key, server.source(), client_args);
                let link = RunningSpipe::start(client).into_link();
                Pipe { link, server: server.process, _client: None }
            }
            Self::Server => {
                let server = node::Server::start(lab, target, server_args);
                let client = Spiped::encrypt(lab, &server.source).of(Origin::Debian);
                let client = client.key(client_key).args(client_args).start();
                let link = client.connect().into_link();
                Pipe { link, server: server.process, _client: Some(client.process) }
            }
        }
    }
}

fn sizes(node: Node, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pipe = node.connect(&lab, backend.endpoint(), client_args, server_args);
    for size in [1, 1023, 1024, 1025] {
        pipe.link.expect_echo(bytes(1, size));
    }
    assert_eq!(pipe.link.finish(), b"");
}

fn mebibyte(node: Node) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pipe = node.connect(&lab, backend.endpoint(), &[], &[]);
    Transfer::start(pipe.link.writer, pipe.link.reader, 1 << 20).check();
    expect_success(pipe.link.child);
}

fn bulk_both_ways(node: Node) {
    const LENGTH: u64 = 16 << 20;
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pipe = node.connect(&lab, backend.endpoint(), &[], &[]);
    let far = backend.accept().into_link();
    let there = Transfer::start(pipe.link.writer, far.reader, LENGTH);
    let back = Transfer::start(far.writer, pipe.link.reader, LENGTH + 1);
    there.check();
    back.check();
    expect_success(pipe.link.child);
}

/// The target answers only after it has seen the end of the request.
fn client_closes_first(node: Node) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pipe = node.connect(&lab, backend.endpoint(), &[], &[]);
    pipe.link.send(b"request");
    drop(std::mem::replace(&mut pipe.link.writer, Box::new(io::sink())));
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"request");
    let reply = bytes(1, 100_000);
    target.send(&reply);
    drop(target);
    assert!(pipe.link.finish() == reply, "the reply is whole");
}

/// The application goes on after the target has ended its direction.
fn target_closes_first(node: Node) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pipe = node.connect(&lab, backend.endpoint(), &[], &[]);
    let mut target = backend.accept();
    target.send(b"greeting");
    target.half_close();
    assert_eq!(pipe.link.receive(8), b"greeting");
    pipe.link.send(b"request");
    assert_eq!(target.receive(7), b"request");
    pipe.link.send(b" and more");
    let rest = thread::spawn(move || target.receive_all());
    assert_eq!(pipe.link.finish(), b"");
    assert_eq!(rest.join().unwrap(), b" and more");
}

fn wrong_key(node: Node) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pipe = node.connect_with_key(&lab, &lab.other_key(), backend.endpoint(), &[], &[]);
    let reason = match node {
        Node::Client => "truncated-in-handshake",
        Node::Server => "wrong-key",
    };
    expect_refusal(node, pipe, &backend, Some(reason));
}

/// The end with `-g` knows why; the other sees the connection end.
fn no_forward_secrecy(node: Node, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pipe = node.connect(&lab, backend.endpoint(), client_args, server_args);
    let reason = match node {
        Node::Client if client_args == ["-g"] => Some("no-forward-secrecy"),
        Node::Client => Some("truncated-in-handshake"),
        Node::Server if server_args == ["-g"] => Some("no-forward-secrecy"),
        // It takes the handshake for complete, and then for a client's end.
        Node::Server => None,
    };
    expect_refusal(node, pipe, &backend, reason);
}

#[track_caller]
fn expect_refusal(node: Node, mut pipe: Pipe, backend: &Backend, reason: Option<&str>) {
    // The connection may be gone already.
    let _ = pipe.link.writer.write_all(b"this must not arrive");
    let _ = pipe.link.writer.flush();
    let ours = if node == Node::Client { pipe.link.child.take() } else { Some(pipe.server) };
    if let (Some(process), Some(reason)) = (&ours, reason) {
        process.wait_for_stderr(reason);
    }
    pipe.link.expect_refusal();
    if node == Node::Client {
        ours.unwrap().wait().expect_failure("");
    }
    while let Some(mut conn) = backend.try_accept() {
        conn.expect_end_without_data();
    }
}

/// Nothing between the two ends buffers without limit, and nothing is lost.
#[track_caller]
fn stalls_until_read(writer: Box<dyn Write + Send>, mut reader: Link) {
    const LENGTH: u64 = 64 << 20;
    let sent = Arc::new(AtomicU64::new(0));
    let mut writer = Counted { writer, sent: Arc::clone(&sent) };
    let sender = thread::spawn(move || payload::send(&mut writer, 1, LENGTH));
    let mut seen = 0;
    loop {
        wait::observe(Duration::from_millis(500));
        let now = sent.load(Ordering::SeqCst);
        if now > 0 && now == seen {
            break;
        }
        seen = now;
    }
    assert!(seen < LENGTH, "everything was taken, and nothing was read");
    let received = payload::receive(&mut *reader.reader);
    assert_eq!(received, sender.join().unwrap());
}

struct Counted {
    writer: Box<dyn Write + Send>,
    sent: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.sent.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[track_caller]
fn expect_success(child: Option<Process>) {
    if let Some(mut child) = child {
        child.wait().expect_success();
    }
}
