//! Many who have the key, at once and from one address.

use std::sync::Barrier;
use std::thread;

use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, LineUp, Spiped};

const COUNT: usize = 500;

#[test]
fn five_hundred_connections_through_one_client_are_all_served() {
    for args in [&[][..], &["-n", "100"]] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let pair = LineUp::OURS.start(&lab, backend.endpoint(), args, args);
        at_once(|| pair.connect().expect_echo(b"served"));
        assert_eq!(backend.accepted(), COUNT);
    }
}

#[test]
fn five_hundred_clients_of_one_address_are_all_served() {
    for args in [&[][..], &["-n", "100"]] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).args(args).start();
        at_once(|| {
            let conn = Conn::to(server.source());
            let mut session = Handshake::begin(conn, Side::Client, KEY).complete();
            session.send(b"served");
            assert_eq!(session.receive(), b"served");
        });
        assert_eq!(backend.accepted(), COUNT);
    }
}

/// Has so many threads do it, which begin together.
fn at_once(act: impl Fn() + Sync) {
    let ready = Barrier::new(COUNT);
    thread::scope(|scope| {
        for _ in 0..COUNT {
            scope.spawn(|| {
                ready.wait();
                act();
            });
        }
    });
}
