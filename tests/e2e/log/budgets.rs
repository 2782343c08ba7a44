//! A flood of one kind hides no line of another.

use spiped_tests::{AgainstServer, wait};

use super::send_garbage;
#[test]
fn flood_of_garbage_hides_no_line_about_a_key_holder() {
    const FORGED: usize = 3;
    let server = AgainstServer::start(&[]);
    for _ in 0..300 {
        send_garbage(&server.daemon);
    }
    for _ in 0..FORGED {
        let (mut session, _target) = server.session();
        let mut forged = session.packet(b"forged");
        forged[17] ^= 0x04;
        session.conn.send(forged);
        session.conn.receive_to_end();
        for _ in 0..100 {
            send_garbage(&server.daemon);
        }
    }
    let log = || server.daemon.process.stderr();
    wait::until("each forged packet had its line", || {
        log().matches("packet 0 is forged or corrupted").count() == FORGED
    });
    wait::until("the flood was summed up", || log().contains(" more lines about strangers supp"));
    let garbage = log().matches("refused: wrong key").count();
    assert!(garbage < 50, "{garbage}");
}
