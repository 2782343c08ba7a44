//! The key exchange X25519 beside the original's programs, which do not know it.

use spiped_tests::{Backend, Lab, Origin, Spipe, Spiped};

const X25519: &[&str] = &["--kex", "x25519"];

pub(super) fn client_names_the_remedy(server: Origin) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).of(server).time_limit("2").start();
    let mut spipe = Spipe::to(&lab, server.source()).args(X25519).time_limit("2").start();
    let exit = spipe.process.wait();
    exit.expect_failure("does not support --kex x25519? see its log; without --kex");
}

pub(super) fn all_clients_share_one_server(theirs: Origin) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let old = Spiped::encrypt(&lab, server.source()).of(theirs).start();
    let ours = Spiped::encrypt(&lab, server.source()).start();
    let new = Spiped::encrypt(&lab, server.source()).args(X25519).start();
    for client in [&old, &ours, &new, &old, &new, &ours] {
        let mut conn = client.connect();
        conn.expect_echo(b"from one of them");
        conn.half_close();
        assert_eq!(conn.receive_all(), b"");
    }
    assert_eq!(server.process.stderr(), "");
}
