//! Connections on which nothing happens give up their sandboxes, and nobody
//! can tell but by looking at the daemon's memory.

use spiped_tests::exchange::NAP;
use spiped_tests::payload::bytes;
use spiped_tests::{AgainstServer, Backend, Ending, Lab, LineUp, procfs, wait};

#[test]
fn sleeping_connections_take_less_memory_than_a_sandbox() {
    const CONNECTIONS: u32 = 150;
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let pair = LineUp::OURS.start(&lab, backend.endpoint(), &["-n", "200"], &["-n", "200"]);
    pair.connect().expect_echo(bytes(0, 65_536));
    let memory = || procfs::status(pair.server.process.pid(), "RssAnon")[0];
    let before = memory();
    let mut conns: Vec<_> = (0..CONNECTIONS).map(|_| pair.connect()).collect();
    for conn in &mut conns {
        conn.expect_echo(bytes(1, 65_536));
    }
    wait::observe(NAP);
    let asleep = memory().saturating_sub(before) / CONNECTIONS;
    // Awake, a sandbox that has moved so much holds 150 and more.
    assert!(asleep < 30, "{asleep} KiB a connection");
    for conn in &mut conns {
        conn.expect_echo(bytes(2, 3000));
    }
}

#[test]
fn half_a_packet_is_kept_while_asleep() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    session.send(b"whole");
    let [first, second] = [session.packet(b"one"), session.packet(b"two")];
    session.conn.send(&first[..700]);
    wait::observe(NAP);
    session.conn.send(&first[700..]);
    assert_eq!(target.receive(8), b"wholeone");
    session.conn.send(&second[..700]);
    wait::observe(NAP);
    session.conn.half_close();
    target.expect_nothing_but(Ending::Reset);
    server.daemon.process.wait_for_stderr("truncated inside a packet");
}

#[test]
fn forgery_is_noticed_after_waking() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    wait::observe(NAP);
    session.send(b"good");
    let mut forged = session.packet(b"bad");
    forged[1] ^= 1;
    wait::observe(NAP);
    session.conn.send(forged);
    assert_eq!(target.receive_to_end(), (b"good".to_vec(), Ending::Reset));
    server.daemon.process.wait_for_stderr("packet 1 is forged");
}
