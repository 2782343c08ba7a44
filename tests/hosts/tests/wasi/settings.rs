//! What it is told, and how.

use spiped_tests::{Backend, Lab, Origin, Process, RunningSpipe, Spiped as Native};

use super::{Spiped, program, spipe};

#[test]
fn environment_says_everything() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let mut command = program(&lab, &[]);
    command
        .env("SPIPED_DECRYPT", "1")
        .env("SPIPED_SOURCE", source.to_string())
        .env("SPIPED_TARGET", backend.endpoint().to_string())
        .env("SPIPED_KEY_BASE64", "a2V5");
    let server = Spiped::run(command, source);
    let key = lab.write_key("same", "key");
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).key(key).start();
    client.connect().expect_echo(b"echo");
}

#[test]
fn spipe_is_told_by_the_environment() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Native::decrypt(&lab, backend.endpoint()).of(Origin::Debian).start();
    let mut command = program(&lab, &[]);
    command
        .env("SPIPED_PROGRAM", "spipe")
        .env("SPIPED_TARGET", server.source().to_string())
        .env("SPIPED_KEY", lab.key());
    let mut link = RunningSpipe::start(command).into_link();
    link.expect_echo(b"echo");
    assert_eq!(link.finish(), b"");
}

#[test]
fn key_is_read_from_standard_input() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let target = backend.endpoint().to_string();
    let mut command = program(&lab, &["-d", "-s", &source.to_string(), "-t", &target, "-k", "-"]);
    command.stdin(std::fs::File::open(lab.key()).unwrap());
    let server = Spiped::run(command, source);
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    client.connect().expect_echo(b"echo");
}

#[test]
fn names_are_looked_up() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let target = format!("localhost:{}", backend.endpoint().port());
    let server = Spiped::start(&lab, "-d", &target, &[]);
    let target = format!("localhost:{}", server.source.port());
    let client = Spiped::start(&lab, "-e", &target, &["-r", "0.01"]);
    // With a second one it is looked up again.
    for _ in 0..2 {
        client.connect().expect_echo(b"echo");
    }
}

#[test]
fn unknown_name_is_a_failure() {
    let lab = Lab::new();
    let target = "no-such-host.invalid:1";
    let mut command = program(&lab, &["spipe", "-t", target, "-k"]);
    command.arg(lab.key());
    let exit = Process::spawn(command).wait();
    exit.expect_failure("spipe: Error looking up no-such-host.invalid: ");
}

#[test]
fn mistakes_end_with_one() {
    let lab = Lab::new();
    for (args, problem) in [
        (&["-d"][..], "Missing option: -s\nusage: "),
        (&["spipe", "-t", "/run/socket", "-k", "key"], "WASI has no Unix sockets: /run/socket"),
        (&["spipe", "-t", "[::1]:1", "-k", "nothing"], "cannot open nothing: no-entry"),
    ] {
        Process::spawn(program(&lab, args)).wait().expect_failure(problem);
    }
    let exit = Process::spawn(program(&lab, &["--version"])).wait();
    exit.expect_success();
    assert_eq!(exit.stdout, concat!("spiped ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
}

#[test]
fn mistyped_variable_is_reported() {
    let lab = Lab::new();
    let mut command = program(&lab, &["--version"]);
    command.env("SPIPED_REQUIRE_FORWARD_SECRACY", "1").env("SPIPED_SERVICE_HOST", "10.0.0.1");
    let exit = Process::spawn(command).wait();
    assert_eq!(
        exit.stderr,
        "spiped: unknown variable in the environment: SPIPED_REQUIRE_FORWARD_SECRACY\n"
    );
}

#[test]
fn without_a_folder_there_is_no_key_file() {
    let lab = Lab::new();
    let mut command = program(&lab, &[]);
    let file = command.get_args().next().unwrap().to_owned();
    command = std::process::Command::new(command.get_program());
    command.arg("run").arg(file).args(["spipe", "-t", "[127.0.0.1]:1", "-k", "key"]);
    let exit = Process::spawn(command).wait();
    exit.expect_failure("the host has opened no folder that leads there");
}

#[test]
fn limits_are_said_at_the_start() {
    let lab = Lab::new();
    let server = Spiped::start(&lab, "-d", &lab.tcp().to_string(), &[]);
    let stderr = server.process.stderr();
    assert!(stderr.starts_with("spiped: WASI: no resets ("), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn spipe_says_why_it_failed() {
    let lab = Lab::new();
    let nobody = lab.tcp();
    let exit = Process::spawn(spipe(&lab, &nobody, &lab.key(), &[])).wait();
    exit.expect_failure("spipe: Could not connect to ");
}

#[test]
fn empty_key_file_is_reported() {
    let lab = Lab::new();
    let key = lab.write_key("empty", "");
    let exit = Process::spawn(spipe(&lab, &lab.tcp(), &key, &[])).wait();
    exit.expect_failure("is empty, and anyone can guess this key");
}
