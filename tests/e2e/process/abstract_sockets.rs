//! Unix sockets without a file, written `@NAME`.

use std::fs;

use spiped_tests::{Backend, Lab, Spiped};

#[test]
fn source_and_target_can_be_abstract_and_leave_no_file() {
    let lab = Lab::new();
    let backend = Backend::echo_at(&lab.abstract_socket("target"));
    let crypt = lab.abstract_socket("crypt");
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&crypt).start();
    let plain = lab.abstract_socket("plain:80");
    let mut client =
        Spiped::encrypt(&lab, &crypt).source(&plain).args(&["--log-level", "info"]).start();
    for _ in 0..2 {
        client.connect().expect_echo(b"without a file");
    }
    client.process.wait_for_stderr(&format!("{plain} -> {crypt}: process "));
    let files: Vec<_> = fs::read_dir(lab.directory()).unwrap().map(|file| file.unwrap()).collect();
    assert!(files.iter().all(|file| file.file_name().to_string_lossy().contains("key")));
    client.process.signal(nix::sys::signal::Signal::SIGTERM);
    client.process.wait();
    // Nothing is left behind that the next one would have to remove.
    Spiped::encrypt(&lab, &crypt).source(&plain).start().connect().expect_echo(b"again");
    drop(server);
}

#[test]
fn name_that_is_taken_is_an_error() {
    let lab = Lab::new();
    let taken = Backend::echo_at(&lab.abstract_socket("taken"));
    let exit = Spiped::encrypt(&lab, &lab.tcp()).source(taken.endpoint()).args(&["-F"]).run();
    exit.expect_failure("Address already in use");
}

#[test]
fn mode_and_owner_are_for_sockets_with_a_file() {
    let lab = Lab::new();
    for option in [["--socket-mode", "600"], ["--socket-owner", "root"]] {
        let daemon = Spiped::encrypt(&lab, &lab.tcp()).source(&lab.abstract_socket("source"));
        daemon.args(&option).run().expect_failure(option[0]);
    }
}
