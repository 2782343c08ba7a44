//! No more threads: what runs goes on, and a start makes do with few.

use std::process::Command;

use nix::unistd::geteuid;
use spiped_tests::{Backend, Daemon, Lab, Spiped, proc, wait};

#[test]
fn number_of_threads_is_as_asked_for() {
    let lab = Lab::new();
    let threads = |number| {
        let server = Spiped::decrypt(&lab, &lab.tcp()).args(&["--threads", number]).start();
        count(&server)
    };
    // An event loop and a computing thread each.
    assert_eq!(threads("3") - threads("1"), 4);
}

#[test]
fn with_few_threads_it_starts_with_one_of_each_and_serves() {
    // The main one, the clock of the sandbox, the log's, and one that computes;
    // then without the last ones. Each of a user whom no other test uses.
    for (number, uid, said) in [
        (4, "64501", "one of each"),
        (3, "64502", "the only event loop computes, too"),
        (2, "64504", "the only event loop computes, too"),
    ] {
        let test = Test::start(number, uid, &["--threads", "4"]);
        test.server.process.wait_for_stderr(said);
        test.expect_service();
        assert_eq!(count(&test.server), number);
    }
}

#[test]
fn refused_threads_do_not_add_up() {
    let test = Test::start(4, "64503", &[]);
    for _ in 0..20 {
        test.expect_service();
    }
}

struct Test {
    server: Daemon,
    client: Daemon,
    _backend: Backend,
    _lab: Lab,
}

impl Test {
    /// A server of a user who may have so many threads.
    fn start(threads: usize, uid: &str, args: &[&str]) -> Self {
        assert!(geteuid().is_root(), "root is not limited, and only root can become another");
        let lab = Lab::new();
        let own = Command::new("chown").args(["-R", uid]).arg(lab.directory()).status();
        assert!(own.unwrap().success());
        let backend = Backend::echo(&lab);
        let limited = [
            "setpriv".to_owned(),
            "--reuid".to_owned(),
            uid.to_owned(),
            "--clear-groups".to_owned(),
            "prlimit".to_owned(),
            format!("--nproc={threads}:{threads}"),
        ];
        let server = Spiped::decrypt(&lab, backend.endpoint()).args(args).under(limited).start();
        let client = Spiped::encrypt(&lab, server.source()).start();
        Self { server, client, _backend: backend, _lab: lab }
    }

    fn expect_service(&self) {
        self.client.connect().expect_echo(b"served");
    }
}

fn count(daemon: &Daemon) -> usize {
    let pid = daemon.process.pid();
    let threads = || proc::status(pid, "Threads")[0] as usize;
    let mut last = threads();
    wait::until("its threads were all there", || std::mem::replace(&mut last, threads()) == last);
    last
}
