//! Many refusals in a row: the log stays readable, the service stays up.

use spiped_tests::payload::bytes;
use spiped_tests::{AgainstServer, wait};

#[test]
fn many_refusals_are_logged_as_few_lines_that_tell_how_many() {
    const COUNT: usize = 300;
    let server = AgainstServer::start(&[]);
    for _ in 0..COUNT {
        refused_connection(&server);
    }
    let log = || server.daemon.process.stderr();
    // A report may come with the next refusal, or by itself.
    wait::until("suppressed lines were reported", || {
        refused_connection(&server);
        log().contains("suppressed")
    });
    let lines = log().lines().count();
    assert!(lines < COUNT / 5, "{lines} lines");
    server.expect_service();
}

#[track_caller]
fn refused_connection(server: &AgainstServer) {
    let mut conn = server.daemon.connect();
    conn.try_send(bytes(6, 400));
    let (received, _) = conn.receive_to_end();
    assert!(received.len() <= 32);
}
