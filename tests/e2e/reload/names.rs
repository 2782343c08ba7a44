//! Pipes that wait for their names, and reloads meanwhile.

use spiped_tests::{Backend, Configured, Endpoint, Lab, Spiped, pipe};

const NOBODY: &str = "no-such-host.invalid:80";

/// A pipe that decrypts, and waits for DNS if it has to.
fn patient(source: &Endpoint, targets: &str) -> String {
    pipe("one", "decrypt", source, &NOBODY, "wait-for-dns = true")
        .replace(&format!("\"{NOBODY}\""), targets)
}

fn state(daemon: &Configured<'_>, state: &str) -> bool {
    let status = String::from_utf8(daemon.run(&["status", "--json"]).stdout).unwrap();
    status.contains(&format!("\"state\":\"{state}\""))
}

#[test]
fn pipe_that_waits_for_dns_serves_once_its_target_is_corrected() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let daemon = Configured::new(&lab);
    daemon.write("", &[patient(&source, &format!("\"{NOBODY}\""))]);
    let _process = daemon.start(&[&source]);
    assert!(state(&daemon, "waiting-for-dns"));
    daemon.write("", &[patient(&source, &format!("\"{}\"", backend.endpoint()))]);
    daemon.reload();
    let client = Spiped::encrypt(&lab, &source).start();
    client.connect().expect_echo(b"as the file says now");
    // No less after another one.
    daemon.reload();
    client.connect().expect_echo(b"still");
}

#[test]
fn target_that_cannot_be_looked_up_does_not_stop_those_that_can() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let daemon = Configured::new(&lab);
    daemon.write("", &[patient(&source, &format!("\"{}\"", backend.endpoint()))]);
    let _process = daemon.start(&[&source]);
    let client = Spiped::encrypt(&lab, &source).start();
    client.connect().expect_echo(b"one target");
    daemon.write("", &[patient(&source, &format!("[\"{}\", \"{NOBODY}\"]", backend.endpoint()))]);
    daemon.reload();
    assert!(state(&daemon, "listening"));
    client.connect().expect_echo(b"one of two");
}
