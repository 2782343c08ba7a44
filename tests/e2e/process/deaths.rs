//! What one end's sudden death means to everybody else.

use nix::sys::signal::Signal;
use spiped_tests::{Backend, Lab, Pair, Process, Spiped};

#[test]
fn killed_client_ends_both_applications() {
    both_sides_end(|pair| &mut pair.client().process);
}

#[test]
fn killed_server_ends_both_applications() {
    both_sides_end(|pair| &mut pair.server.process);
}

#[test]
fn client_outlives_its_server_and_reaches_the_next_one() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint());
    let first = server.start();
    let client = Spiped::encrypt(&lab, first.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"first");
    let source = first.source().clone();
    drop(first);
    conn.expect_end_without_data();
    client.connect().expect_end_without_data();
    let _second = server.source(&source).start();
    client.connect().expect_echo(b"second");
}

#[track_caller]
fn both_sides_end(victim: impl Fn(&mut Pair) -> &mut Process) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    let mut conn = pair.connect();
    let mut target = backend.accept();
    conn.send(b"x");
    target.receive(1);
    let victim = victim(&mut pair);
    victim.signal(Signal::SIGKILL);
    victim.wait();
    conn.expect_end_without_data();
    target.expect_end_without_data();
}
