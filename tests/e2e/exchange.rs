//! Scenarios for a client, a `spiped -d` and a target, whoever made them.

use std::time::Duration;

use nix::sys::signal::Signal;
use spiped_tests::payload::{Transfer, bytes};
use spiped_tests::{Backend, Client, Ending, Lab, Link, Origin, Pairing, wait};

/// After this long without traffic, our programs have given up the sandbox of
/// a connection.
pub(crate) const NAP: Duration = Duration::from_millis(2200);

/// A module for one combination of a client and a `spiped -d`, with the key
/// exchange that every program knows.
macro_rules! pairing {
    ($name:ident, $client:ident of $client_origin:ident, $server_origin:ident) => {
        mod $name {
            use spiped_tests::{Client, Origin, Pairing};

            use crate::exchange;

            const PAIRING: Pairing = Pairing {
                client: Client::$client,
                client_origin: Origin::$client_origin,
                server_origin: Origin::$server_origin,
                key_exchange: None,
            };

            exchange::forward_secrecy_tests!(PAIRING);
            exchange::data_tests!(PAIRING);
        }
    };
}
pub(crate) use pairing;

/// The same with X25519, which only our own programs know.
macro_rules! x25519_pairing {
    ($name:ident, $client:ident) => {
        mod $name {
            use spiped_tests::{Client, Pairing};

            use crate::exchange;

            const PAIRING: Pairing =
                Pairing { client: Client::$client, key_exchange: Some("x25519"), ..Pairing::OURS };

            exchange::data_tests!(PAIRING);

            #[test]
            fn forward_secrecy_can_be_required() {
                exchange::sizes(PAIRING, &["-g"], &["-g"]);
            }

            #[test]
            fn server_without_forward_secrecy_gives_it_all_the_same() {
                exchange::sizes(PAIRING, &["-g"], &["-f"]);
            }

            #[test]
            fn server_can_be_restricted_to_it() {
                exchange::sizes(PAIRING, &[], &["--kex", "x25519"]);
            }
        }
    };
}
pub(crate) use x25519_pairing;

/// One test for each scenario of keys and of forward secrecy.
macro_rules! forward_secrecy_tests {
    ($pairing:expr) => {
        #[test]
        fn client_omits_forward_secrecy() {
            exchange::sizes($pairing, &["-f"], &[]);
        }

        #[test]
        fn server_omits_forward_secrecy() {
            exchange::sizes($pairing, &[], &["-f"]);
        }

        #[test]
        fn both_omit_forward_secrecy() {
            exchange::sizes($pairing, &["-f"], &["-f"]);
        }

        #[test]
        fn client_requires_forward_secrecy_and_gets_it() {
            exchange::sizes($pairing, &["-g"], &[]);
        }

        #[test]
        fn server_requires_forward_secrecy_and_gets_it() {
            exchange::sizes($pairing, &[], &["-g"]);
        }

        #[test]
        fn client_refuses_server_without_forward_secrecy() {
            exchange::refusal_of_flags($pairing, &["-g"], &["-f"]);
        }

        #[test]
        fn server_refuses_client_without_forward_secrecy() {
            exchange::refusal_of_flags($pairing, &["-f"], &["-g"]);
        }

        #[test]
        fn wrong_key_is_refused() {
            exchange::refusal_of_key($pairing);
        }
    };
}
pub(crate) use forward_secrecy_tests;

/// One test for each scenario of data and of ends.
macro_rules! data_tests {
    ($pairing:expr) => {
        #[test]
        fn every_size_arrives() {
            exchange::sizes($pairing, &[], &[]);
        }

        /// protocol.md E-4.
        #[test]
        fn late_reply_to_a_half_closed_request_arrives() {
            exchange::client_closes_first($pairing);
        }

        #[test]
        fn late_request_to_a_half_closed_target_arrives() {
            exchange::target_closes_first($pairing);
        }

        #[test]
        fn idle_connection_lives_on() {
            exchange::idle($pairing);
        }

        #[test]
        fn big_payloads_cross_unchanged() {
            exchange::bulk_both_ways($pairing);
        }

        #[test]
        fn many_connections_work_at_once() {
            exchange::many_at_once($pairing);
        }
    };
}
pub(crate) use data_tests;

/// An echo of as many bytes as fit in no packet, one packet, or just not one.
pub(crate) fn sizes(pairing: Pairing, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), client_args, server_args);
    for size in [0, 1, 1023, 1024, 1025] {
        let message = bytes(size, usize::try_from(size).unwrap());
        let mut link = pair.open();
        link.expect_echo(&message);
        assert_eq!(link.finish(), b"", "after {size} bytes");
    }
}

/// Flags that do not go together end the connection before any data.
pub(crate) fn refusal_of_flags(pairing: Pairing, client_args: &[&str], server_args: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), client_args, server_args);
    refusal(pairing, pair.open(), &backend);
}

/// So do keys that do not match.
pub(crate) fn refusal_of_key(pairing: Pairing) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start_with_wrong_key(&lab, backend.endpoint());
    refusal(pairing, pair.open(), &backend);
}

fn refusal(pairing: Pairing, mut link: Link, backend: &Backend) {
    // The connection may be gone already.
    let _ = link.writer.write_all(b"this must not arrive");
    let of_the_original = link.child.take_if(|_| pairing.client_origin != Origin::Ours);
    link.expect_refusal();
    if let Some(mut spipe) = of_the_original {
        let exit = spipe.wait();
        // It passes its input on through a socket of its own, which it may have
        // closed by then.
        if exit.signal() != Some(Signal::SIGPIPE as i32) {
            exit.expect_failure("");
        }
    }
    while let Some(mut conn) = backend.try_accept() {
        conn.expect_end_without_data();
    }
}

/// The target answers only after it has seen the end of the request.
pub(crate) fn client_closes_first(pairing: Pairing) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), &[], &[]);
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
pub(crate) fn target_closes_first(pairing: Pairing) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), &[], &[]);
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
pub(crate) fn idle(pairing: Pairing) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), &[], &[]);
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
pub(crate) fn bulk_both_ways(pairing: Pairing) {
    const LENGTH: u64 = 64 << 20;
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), &[], &[]);
    let near = pair.open();
    let far = backend.accept().into_link();
    let there = Transfer::start(near.writer, far.reader, LENGTH);
    let back = Transfer::start(far.writer, near.reader, LENGTH + 1);
    there.check();
    back.check();
    if let Some(mut child) = near.child {
        child.wait().expect_success();
    }
}

/// All are open before the first is used up. They open a few at a time where
/// the original accepts them: it lets ten wait, and the kernel makes the rest
/// wait for seconds.
pub(crate) fn many_at_once(pairing: Pairing) {
    let (count, args): (usize, &[&str]) = match pairing.client {
        Client::Daemon => (200, &["-n", "300"]),
        Client::Spipe => (24, &[]),
    };
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = pairing.start(&lab, backend.endpoint(), args, &["-n", "300"]);
    let batch = if pairing.is_ours() { count } else { 8 };
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
