//! What the service manager hears: that all of the daemon turns, and how it is.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::Signal;
use spiped_tests::{Backend, Daemon, Lab, Process, Spiped, wait};

/// A service manager that listens.
struct Manager(UnixDatagram);

impl Manager {
    fn new(lab: &Lab) -> (Self, Vec<String>) {
        let path = lab.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let environment = vec![
            "env".to_owned(),
            format!("NOTIFY_SOCKET={}", path.display()),
            "WATCHDOG_USEC=600000".to_owned(),
        ];
        (Self(socket), environment)
    }

    /// The next message, if one comes soon.
    fn hear(&self) -> Option<String> {
        let mut message = [0; 4096];
        let len = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..len].to_vec()).unwrap())
    }

    #[track_caller]
    fn wait_for(&self, words: &str) -> String {
        wait::until_some(&format!("{words} was heard"), || {
            self.hear().filter(|message| message.contains(words))
        })
    }

    /// Whether it hears of the watchdog within a time in which it has to.
    fn hears_a_beat(&self) -> bool {
        let end = Instant::now() + Duration::from_millis(1500);
        while Instant::now() < end {
            if self.hear().is_some_and(|message| message.contains("WATCHDOG=1")) {
                return true;
            }
        }
        false
    }
}

#[test]
fn daemon_says_that_it_is_alive_and_how_it_is() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (manager, environment) = Manager::new(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).under(environment).start();
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=1 pipe, 0 connections, 0 strangers\n");
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    let mut conn = client.connect();
    conn.expect_echo(b"one");
    manager.wait_for("STATUS=1 pipe, 1 connection, 0 strangers\n");
    client.process.signal(Signal::SIGHUP);
    let reloading = manager.wait_for("RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.wait_for("READY=1");
    manager.wait_for("; reloaded at 20");
    client.process.signal(Signal::SIGTERM);
    manager.wait_for("STOPPING=1");
    manager.wait_for("STATUS=Finishing: ");
    assert!(manager.hears_a_beat(), "it is alive while it drains");
}

/// Stops one thread of a process until it is dropped.
struct Stopped(#[allow(dead_code, reason = "holds the thread")] Process);

impl Stopped {
    fn thread(tid: i32) -> Self {
        let program = format!(
            "$| = 1; syscall({seize}, 0x4206, {tid}, 0, 0) == 0 or die $!; \
             syscall({seize}, 0x4207, {tid}, 0, 0) == 0 or die $!; \
             waitpid({tid}, 0x40000000); print STDERR 'stopped'; sleep 60",
            seize = libc::SYS_ptrace
        );
        let mut command = Command::new("perl");
        command.args(["-e", &program]);
        let process = Process::spawn(command);
        process.wait_for_stderr("stopped");
        Self(process)
    }
}

fn thread_called(daemon: &Daemon, name: &str) -> i32 {
    let folder = format!("/proc/{}/task", daemon.process.pid());
    let mut threads = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = threads.find(|path| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    });
    let path = found.unwrap_or_else(|| panic!("no thread {name}"));
    path.file_name().unwrap().to_str().unwrap().parse().unwrap()
}

#[test]
fn event_loop_that_stands_still_is_noticed() {
    let lab = Lab::new();
    let (manager, environment) = Manager::new(&lab);
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["--threads", "2"]).under(environment);
    let daemon = spiped.start();
    assert!(manager.hears_a_beat());
    let stopped = Stopped::thread(thread_called(&daemon, "worker"));
    wait::until("no beat was heard", || !manager.hears_a_beat());
    drop(stopped);
    wait::until("it was heard again", || manager.hears_a_beat());
}

#[test]
fn computing_thread_that_stands_still_is_noticed() {
    let lab = Lab::new();
    let (manager, environment) = Manager::new(&lab);
    let daemon = Spiped::encrypt(&lab, &lab.tcp()).under(environment).start();
    assert!(manager.hears_a_beat());
    let stopped = Stopped::thread(thread_called(&daemon, "compute"));
    wait::until("no beat was heard", || !manager.hears_a_beat());
    drop(stopped);
    wait::until("it was heard again", || manager.hears_a_beat());
}
