//! Making keys and moving them between hosts.

mod agreeing;
mod between;
mod code;
mod giving_up;
mod keygen;
mod meeting;
mod terminal;

pub(crate) use agreeing::pipe_works;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};

use spiped_core::Side;
use spiped_core::pairing::{Entropy, Exchange, Status};
use spiped_tests::{Conn, Endpoint, Exit, Lab, Process, Program, procfs, wait};

/// A code that both ends have.
const CODE: &str = "kettle7blue";

/// One `spiped pair`, with a test as its user.
struct Pairer {
    process: Process,
    /// `None` once the user has gone.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Pairer {
    /// Starts it with these options and a key file of this name.
    #[track_caller]
    fn start(lab: &Lab, options: &[&str], file: &str) -> Self {
        let words = [&["pair"], options, &[file]].concat();
        let (process, stdin, stdout) =
            Process::spawn_with_streams(Program::Spiped.ours(lab, &words));
        Self { process, stdin: Some(stdin), stdout }
    }

    /// Starts one that waits at `endpoint`, and waits until it does.
    #[track_caller]
    fn listen(lab: &Lab, endpoint: &Endpoint, file: &str, more: &[&str]) -> Self {
        let pairer = Self::listen_later(lab, endpoint, file, more);
        wait::until("it listens", || procfs::is_listening(endpoint));
        pairer
    }

    /// Starts one that has something to read before it listens.
    #[track_caller]
    fn listen_later(lab: &Lab, endpoint: &Endpoint, file: &str, more: &[&str]) -> Self {
        let address = endpoint.to_string();
        Self::start(lab, &[&["--listen", &*address], more].concat(), file)
    }

    /// Starts one that connects to `endpoint`.
    #[track_caller]
    fn connect(lab: &Lab, endpoint: &Endpoint, file: &str, more: &[&str]) -> Self {
        let address = endpoint.to_string();
        Self::start(lab, &[&["--connect", &*address], more].concat(), file)
    }

    /// The digits it shows, once it asks.
    #[track_caller]
    fn digits(&self) -> String {
        self.process.wait_for_stderr("Do both screens show the same text?");
        let shown = self.process.stderr();
        let line = shown.lines().find(|line| line.starts_with("    ")).unwrap();
        line.trim().to_owned()
    }

    /// The user types this.
    #[track_caller]
    fn say(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end. What it printed is in the result.
    #[track_caller]
    fn wait(&mut self) -> Exit {
        let mut exit = self.process.wait();
        self.stdout.read_to_end(&mut exit.stdout).unwrap();
        exit
    }

    /// Waits for its failure, for which this is the reason.
    #[track_caller]
    fn expect_failure(&mut self, reason: &str) -> Exit {
        let exit = self.wait();
        exit.expect_failure(reason);
        assert_eq!(exit.stdout, b"", "{exit:?}");
        exit
    }

    /// Waits for its success, and returns the fingerprint it printed for
    /// `file`.
    #[track_caller]
    fn expect_key(&mut self, file: &str) -> String {
        let exit = self.wait();
        exit.expect_success();
        let line = String::from_utf8(exit.stdout).unwrap();
        let fingerprint = line.strip_prefix(&format!("{file}: ")).unwrap();
        fingerprint.strip_suffix('\n').unwrap().to_owned()
    }
}

/// Starts one that waits and one that connects to it, for the key files `here`
/// and `there`.
#[track_caller]
fn start_both(lab: &Lab, here: &[&str], there: &[&str]) -> (Pairer, Pairer) {
    let at = lab.tcp();
    let here = Pairer::listen(lab, &at, "here", here);
    (here, Pairer::connect(lab, &at, "there", there))
}

/// Checks that both files are the same key, each for its owner only.
#[track_caller]
fn expect_same_key(lab: &Lab, files: [&str; 2]) {
    let contents = files.map(|file| fs::read(lab.path(file)).unwrap());
    assert_eq!(contents[0], contents[1]);
    assert_eq!(contents[0].len(), 32);
    for file in files {
        assert_eq!(mode(&lab.path(file)), 0o600);
    }
}

/// Checks that nothing was made in the lab but these files.
#[track_caller]
fn expect_files(lab: &Lab, expected: &[&str]) {
    let entries = fs::read_dir(lab.directory()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !["key", "other-key"].contains(&&**name));
    names.sort_unstable();
    assert_eq!(names, expected);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Random bytes of the end that the test plays; not all equal, which would be
/// refused.
fn entropy() -> Entropy {
    Entropy::build(|bytes| bytes[0] = 0x66)
}

/// One end of a pairing that the test plays itself.
struct ByHand {
    exchange: Exchange,
    conn: Conn,
    out: Vec<u8>,
}

impl ByHand {
    fn new(side: Side, code: Option<&str>, conn: Conn) -> Self {
        let exchange = Exchange::new(side, code, &entropy()).unwrap();
        let mut this = Self { exchange, conn, out: Vec::new() };
        this.exchange.start(&mut this.out).unwrap();
        this.send();
        this
    }

    /// Receives that much, and answers it.
    #[track_caller]
    fn receive(&mut self, len: usize) {
        let bytes = self.conn.receive(len);
        self.exchange.receive(&bytes, &mut self.out).unwrap();
        self.send();
    }

    /// Says yes.
    #[track_caller]
    fn confirm(&mut self) {
        self.exchange.confirm(&mut self.out).unwrap();
        self.send();
    }

    fn digits(&self) -> String {
        match self.exchange.status() {
            Ok(Status::Comparing(string)) => string,
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self) {
        self.conn.send(std::mem::take(&mut self.out));
    }
}
