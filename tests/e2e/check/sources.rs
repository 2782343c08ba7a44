//! Whether there is somewhere to listen, and who is there already.

use std::fs;
use std::os::unix::net::UnixListener;

use nix::sys::signal::Signal;
use spiped_tests::{Backend, Endpoint, Lab, Spiped, procfs};

use super::{Checked, check};

#[test]
fn port_of_another_program_is_an_error_that_names_it() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let checked = check_source(&lab, &backend.endpoint().to_string());
    let holder = format!("in use by process {} (", std::process::id());
    checked.expect_bad().expect_line("error: -s: ", &holder);
    // Also where it is only in the way.
    let everywhere = format!("[0.0.0.0]:{}", backend.endpoint().port());
    check_source(&lab, &everywhere).expect_bad().expect_line("error: -s: ", &holder);
}

#[test]
fn port_of_the_daemon_with_these_settings_is_a_note_and_it_notices_nothing() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    for source in [lab.tcp(), lab.unix("socket")] {
        let daemon = Spiped::decrypt(&lab, backend.endpoint()).source(&source);
        let mut daemon = daemon.args(&["--log-level", "debug"]).start();
        daemon.process.wait_for_stderr("Sandbox: ");
        let before = daemon.process.stderr();
        let (source, target) = (source.to_string(), backend.endpoint().to_string());
        let words = ["-d", "-s", &source, "-t", &target, "-k", "key"];
        let pid = daemon.process.pid();
        let holder = format!("{source} is in use by process {pid} (spiped), which has these");
        check(&lab, &words).expect_good().expect_line("note: -s: ", &holder);
        // With another mode, it is another daemon.
        let words = [&["-e"], &words[1..]].concat();
        check(&lab, &words).expect_bad().expect_line("error: -s: ", "stop it, or choose another");
        daemon.process.signal(Signal::SIGTERM);
        let exit = daemon.process.wait();
        exit.expect_success();
        assert_eq!(exit.stderr, before);
    }
}

#[test]
fn sources_that_cannot_be_are_errors() {
    let lab = Lab::new();
    let at = |name: &str| lab.path(name).display().to_string();
    fs::write(lab.path("file"), "not a socket").unwrap();
    for (source, words) in [
        ("[192.0.2.1]:1234", "192.0.2.1 is not an address of this host"),
        (&at("file"), "file is not a socket: move it elsewhere"),
        (&at("none/socket"), "none does not exist: run mkdir"),
        (&at("file/socket"), "file is not a directory"),
    ] {
        check_source(&lab, source).expect_bad().expect_line("error: -s: ", words);
    }
}

#[test]
fn stale_socket_stays_where_it_is_and_is_no_fault() {
    let lab = Lab::new();
    drop(UnixListener::bind(lab.path("socket")).unwrap());
    let source = lab.path("socket").display().to_string();
    let checked = check_source(&lab, &source);
    checked.expect_good().expect_line("note: -s: ", "is a stale socket: it will be replaced");
    assert!(lab.path("socket").exists());
}

#[test]
fn nothing_is_made_and_no_port_stays_bound() {
    let lab = Lab::new();
    let files = || fs::read_dir(lab.directory()).unwrap().count();
    let before = files();
    for source in [lab.tcp(), lab.unix("socket")] {
        check_source(&lab, &source.to_string()).expect_good();
        assert!(!procfs::is_listening(&source));
        let backend = Backend::echo(&lab);
        Spiped::decrypt(&lab, backend.endpoint()).source(&source).start();
    }
    let Endpoint::Unix(socket) = lab.unix("socket") else { unreachable!() };
    fs::remove_file(socket).unwrap();
    assert_eq!(files(), before);
}

#[test]
fn source_that_is_its_own_target_is_an_error() {
    let lab = Lab::new();
    let address = lab.tcp().to_string();
    let words = ["-e", "-s", &address, "-t", &address, "-k", "key"];
    check(&lab, &words).expect_bad().expect_line("error: -t: ", "the pipe's own source");
}

/// Checks a pipe with this source, of which all else is good.
#[track_caller]
fn check_source(lab: &Lab, source: &str) -> Checked {
    let backend = Backend::echo(lab);
    let target = backend.endpoint().to_string();
    check(lab, &["-d", "-s", source, "-t", &target, "-k", "key"])
}
