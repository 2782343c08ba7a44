//! Our daemon's metrics, read by Prometheus' official client.

use spiped_tests::{Backend, Endpoint, Lab, Spiped};

use crate::{python, run};

/// The names of pipes are what has to be escaped.
#[test]
fn metrics_are_read_by_the_official_client() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = Endpoint::Unix(lab.path("a\"b\"\\c"));
    let metrics = lab.tcp();
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&source);
    let server = server.args(&["--metrics", &metrics.to_string()]).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"measured");
    let mut command = python("metrics.py");
    command.arg(format!("http://127.0.0.1:{}/metrics", metrics.port()));
    let exit = run(command);
    exit.expect_success();
    let read = String::from_utf8(exit.stdout).unwrap();
    let pipe = format!("pipe='{source} -> {}'", backend.endpoint());
    for line in [
        format!("counter spiped_sent_bytes spiped_sent_bytes_total {pipe} 8"),
        format!("gauge spiped_connections_open spiped_connections_open {pipe} 1"),
        format!("histogram spiped_dial_seconds spiped_dial_seconds_count {pipe} 1"),
        "info spiped_build spiped_build_info version='0.1.0' 1".to_owned(),
    ] {
        assert!(read.lines().any(|other| other == line), "no {line:?} in\n{read}");
    }
}
