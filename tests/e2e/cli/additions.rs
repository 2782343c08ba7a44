//! What our command line has that the original's has not.

use spiped_tests::{Backend, Endpoint, Lab, LineUp, Program};

use super::{Line, refused, run};

#[test]
fn help_goes_to_standard_output_with_success() {
    for program in [Program::Spiped, Program::Spipe] {
        let exit = run(program, "--help");
        exit.expect_success();
        assert_eq!(exit.stderr, "");
        let help = String::from_utf8(exit.stdout).unwrap();
        for option in ["-t", "-k", "-b", "-f", "-g", "-j", "-o", "-v"] {
            assert!(help.contains(option), "no {option} in\n{help}");
        }
    }
}

#[test]
fn version_in_long_form() {
    for program in [Program::Spiped, Program::Spipe] {
        let exit = run(program, "--version");
        exit.expect_success();
        let printed = [exit.stdout, exit.stderr.into_bytes()].concat();
        assert!(printed.starts_with(program.name().as_bytes()));
    }
}

#[test]
fn log_level_info_reports_each_connection_with_peer_and_counts() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let args = ["--log-level", "info"];
    let mut pair = LineUp::OURS.start(&lab, backend.endpoint(), &args, &args);
    let mut conn = pair.connect();
    let peer = Endpoint::Tcp(conn.local_address()).to_string();
    conn.send([0; 12_345]);
    conn.half_close();
    let mut target = backend.accept();
    assert_eq!(target.receive_all().len(), 12_345);
    target.send([0; 6_789]);
    drop(target);
    assert_eq!(conn.receive_all().len(), 6_789);
    pair.server.process.wait_for_stderr("12345");
    let client = &pair.client().process;
    client.wait_for_stderr("12345");
    let log = client.stderr();
    let line = log.lines().find(|line| line.contains("12345")).unwrap();
    assert!(line.contains(&peer), "no {peer} in {line}");
    assert!(line.contains("6789"), "{line}");
}

#[test]
fn log_level_warn_is_the_default_and_says_nothing_of_good_connections() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = LineUp::OURS.start(&lab, backend.endpoint(), &[], &["--log-level", "warn"]);
    let mut conn = pair.connect();
    conn.expect_echo(b"nothing to report");
    conn.half_close();
    assert_eq!(conn.receive_all(), b"");
    assert_eq!(pair.server.process.stderr(), "");
    assert_eq!(pair.client().process.stderr(), "");
}

#[test]
fn unknown_log_level_is_refused() {
    let base = "-e -F -s /nonexistent/s -t /nonexistent/t -k key";
    refused(Program::Spiped, base, &[("--log-level loud", Line("loud"))]);
}
