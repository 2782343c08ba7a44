//! Files that are wrong: a reload refuses them as a whole, and says where and why.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use spiped_tests::{Backend, Configured, Conn, Endpoint, Lab, Process, pipe};

/// A daemon with a pipe of both ends, and a way to write another file.
struct Running<'a> {
    lab: &'a Lab,
    backend: Backend,
    daemon: Configured<'a>,
    plain: Endpoint,
    pipes: Vec<String>,
    _process: Process,
}

impl<'a> Running<'a> {
    fn new(lab: &'a Lab) -> Self {
        Self::under(lab, &[])
    }

    fn under(lab: &'a Lab, wrapper: &[&str]) -> Self {
        let backend = Backend::echo(lab);
        let (plain, crypt) = (lab.tcp(), lab.tcp());
        let pipes = vec![
            pipe("in", "encrypt", &plain, &crypt, ""),
            pipe("out", "decrypt", &crypt, backend.endpoint(), ""),
        ];
        let daemon = Configured::new(lab).under(wrapper.iter().copied());
        daemon.write("", &pipes);
        let process = daemon.start(&[&plain, &crypt]);
        Self { lab, backend, daemon, plain, pipes, _process: process }
    }

    /// A reload with this pipe besides, and these lines about the process, is
    /// refused; the pipes that there are go on.
    #[track_caller]
    fn refuses(&self, process: &str, added: &str, reason: &str) {
        let mut conn = Conn::to(&self.plain);
        conn.expect_echo(b"before");
        let mut pipes = self.pipes.clone();
        // What would work must not be put in use, either.
        let good = self.lab.tcp();
        pipes.push(pipe("good", "encrypt", &good, &self.plain, ""));
        pipes.push(added.to_owned());
        self.daemon.write(process, &pipes);
        self.daemon.expect_refusal(reason);
        assert!(Conn::connect(&good).is_err(), "{reason}: all or nothing");
        conn.expect_echo(b"after");
        Conn::to(&self.plain).expect_echo(b"a new one");
        self.daemon.write("", &self.pipes);
        assert!(self.daemon.reload().contains("nothing has changed"), "{reason}");
    }

    /// A further pipe to the backend.
    fn pipe(&self, more: &str) -> String {
        self.pipe_from(&self.lab.tcp(), more)
    }

    fn pipe_from(&self, source: &Endpoint, more: &str) -> String {
        pipe("bad", "decrypt", source, self.backend.endpoint(), more)
    }
}

#[test]
fn file_that_makes_no_sense_is_refused_with_its_place() {
    let lab = Lab::new();
    let running = Running::new(&lab);
    running.refuses("", "[pipe.bad", "spiped.toml:");
    running.refuses("", &running.pipe("taget = \"x\""), "spiped.toml:");
    running.refuses("", &running.pipe("max-connections = \"many\""), "spiped.toml:");
}

#[test]
fn key_that_is_missing_or_weak_is_refused_with_its_place() {
    let lab = Lab::new();
    let running = Running::new(&lab);
    running.refuses("", &running.pipe("key = \"missing\""), "Cannot open file: ");
    let open = lab.write("open", [7; 32]);
    fs::set_permissions(open, Permissions::from_mode(0o644)).unwrap();
    let strict = "key = \"open\"\nstrict-keys = true";
    running.refuses("", &running.pipe(strict), "can be read by other users");
}

#[test]
fn port_that_is_taken_or_named_twice_is_refused() {
    let lab = Lab::new();
    let running = Running::new(&lab);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = Endpoint::Tcp(listener.local_addr().unwrap());
    running.refuses("", &running.pipe_from(&taken, ""), "Address already in use");
    running.refuses("", &running.pipe_from(&running.plain, ""), "spiped.toml:");
}

#[test]
fn name_that_is_not_resolved_is_refused() {
    let lab = Lab::new();
    let running = Running::new(&lab);
    let bad = pipe("bad", "encrypt", &lab.tcp(), &"no-such-host.invalid:80", "");
    running.refuses("", &bad, "Error looking up no-such-host.invalid");
}

#[test]
fn more_connections_than_there_are_descriptors_for_are_refused() {
    let lab = Lab::new();
    let running = Running::under(&lab, &["prlimit", "--nofile=1024:1024"]);
    let greedy = running.pipe("max-connections = 5000");
    running.refuses("", &greedy, "connections at once are possible");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let lab = Lab::new();
    let running = Running::new(&lab);
    let mut pipes = running.pipes.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = Endpoint::Tcp(listener.local_addr().unwrap());
    pipes.push(pipe("one", "encrypt", &lab.tcp(), &"no-such-host.invalid:80", ""));
    pipes.push(pipe("two", "encrypt", &lab.tcp(), &running.plain, "key = \"missing\""));
    pipes.push(pipe("three", "encrypt", &taken, &running.plain, ""));
    running.daemon.write("", &pipes);
    let exit = running.daemon.run(&["reload"]);
    for reason in ["pipe one: Error looking up", "pipe two: Error", "pipe three: Error binding"] {
        exit.expect_failure(reason);
    }
}

#[test]
fn everything_that_is_wrong_at_the_start_is_said_at_once() {
    let lab = Lab::new();
    let daemon = Configured::new(&lab);
    let (first, second) = (lab.tcp(), lab.tcp());
    let pipes = [
        pipe("one", "encrypt", &first, &"no-such-host.invalid:80", ""),
        pipe("two", "encrypt", &second, &first, "key = \"missing\""),
    ];
    daemon.write("", &pipes);
    let exit = daemon.spawn().wait();
    exit.expect_failure("pipe one: Error looking up");
    exit.expect_failure("pipe two: Error reading shared secret");
    assert!(!lab.path("control").exists());
}
