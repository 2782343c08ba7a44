//! Several keys on the accepting side, and keys that change while it runs.

mod limit;
mod loading;
mod reload;
mod revocation;
mod rotation;
mod several;

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use spiped_tests::{Conn, Daemon, Ending, Lab, Spiped, key_called, wait};

/// A directory of key files, each with a content of its own.
struct Keys<'a> {
    lab: &'a Lab,
}

impl<'a> Keys<'a> {
    fn new(lab: &'a Lab, names: &[&str]) -> Self {
        fs::create_dir(lab.path(DIRECTORY)).unwrap();
        let keys = Self { lab };
        for name in names {
            keys.add(name);
        }
        keys
    }

    fn directory(&self) -> PathBuf {
        self.lab.path(DIRECTORY)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn add(&self, name: &str) {
        self.lab.write_key(&format!("{DIRECTORY}/{name}"), key_called(name));
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    /// A client's copy of a key, which the server's reloads do not see.
    fn copy(&self, name: &str) -> PathBuf {
        self.lab.write_key(&format!("copy-of-{name}"), key_called(name))
    }

    /// A `spiped -d` with these keys that logs each connection.
    fn server(&self, target: &dyn std::fmt::Display) -> Spiped {
        Spiped::decrypt(self.lab, target).key(self.directory()).args(&["--log-level", "info"])
    }

    /// A `spiped -e` with a copy of one of the keys.
    #[track_caller]
    fn client(&self, server: &Daemon, name: &str) -> Daemon {
        Spiped::encrypt(self.lab, server.source()).key(self.copy(name)).start()
    }
}

const DIRECTORY: &str = "keys";

/// Has the daemon read its keys again, and waits until it has said what came
/// of it.
#[track_caller]
fn reload(daemon: &Daemon) {
    let said = |log: &str| log.matches("Keys reloaded: ").count() + log.matches(KEPT).count();
    let before = said(&daemon.process.stderr());
    daemon.process.signal(Signal::SIGHUP);
    wait::until("the keys were read again", || said(&daemon.process.stderr()) > before);
}

/// What a daemon says when it cannot use what it has read.
const KEPT: &str = "; the old keys stay in use";

/// Checks that a connection through the client works.
#[track_caller]
fn expect_service(client: &Daemon) -> Conn {
    let mut conn = client.connect();
    conn.expect_echo(b"served");
    conn
}

/// Checks that a connection through the client, one of ours, does not work.
///
/// Nothing is sent: a write after the reset would be what learns of it, and
/// bytes left unread would make any close a reset.
#[track_caller]
fn expect_refusal(client: &Daemon) {
    client.connect().expect_nothing_but(Ending::Reset);
}

/// Writes the lines that `SIGUSR1` asks for, and returns the last one of each
/// kind that begins with these words after the pipe's name.
#[track_caller]
fn counters(daemon: &Daemon, words: &str) -> String {
    let lines = |log: &str| {
        let lines = log.lines().filter(|line| line.contains(words));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = lines(&daemon.process.stderr()).len();
    daemon.process.signal(Signal::SIGUSR1);
    wait::until_some(&format!("counters with {words}"), || {
        let lines = lines(&daemon.process.stderr());
        (lines.len() > before).then(|| lines.last().cloned()).flatten()
    })
}

/// The value of one counter in such a line.
#[track_caller]
fn value(line: &str, name: &str) -> u64 {
    let prefix = format!("{name}=");
    let word = line.split_whitespace().find_map(|word| word.strip_prefix(&prefix));
    word.unwrap_or_else(|| panic!("no {name} in {line}")).parse().unwrap()
}

/// Another name for the file.
fn link(target: impl AsRef<Path>, name: impl AsRef<Path>) {
    std::os::unix::fs::symlink(target, name).unwrap();
}
