#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::ptr;
use std::thread;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{getppid, test_kill_process};

use super::*;

#[test]
fn line_says_what_is_active() {
    let mut sandbox = Sandbox::default();
    assert_eq!(sandbox.to_string(), "nothing");
    sandbox.add(Ok("no dumps".to_owned()));
    sandbox.add(Err("seccomp (Function not implemented)".to_owned()));
    sandbox.add(Ok("no capabilities".to_owned()));
    assert_eq!(sandbox.to_string(), "no dumps, no capabilities");
}

#[test]
fn landlock_shuts_out_files_ports_and_processes() {
    play("landlock");
}

#[test]
fn seccomp_shuts_out_all_that_is_not_needed() {
    play("seccomp");
}

#[test]
fn process_that_reads_can_do_nothing_else() {
    play("reading");
}

/// Runs this test program again to play a part below.
fn play(part: &str) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "process::sandbox::tests::player", "--nocapture", "--test-threads=1"])
        .env("SANDBOX_PART", part)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Not a test by itself: the process that [`play`] starts. It cannot come back,
/// and so says what is wrong and ends.
#[test]
fn player() {
    let Ok(part) = env::var("SANDBOX_PART") else {
        return;
    };
    let world = World::new();
    match part.as_str() {
        "landlock" => {
            let active = landlock::restrict(&world.needs());
            assert_eq!(active, [Ok("Landlock (files, TCP ports, signals)".to_owned())]);
            world.expect_rest(ErrorKind::PermissionDenied);
            assert_eq!(kind(TcpStream::connect(world.other.local_addr().unwrap())), DENIED);
        }
        "seccomp" => {
            assert_eq!(system_calls::allow_only_needed(), Ok("seccomp".to_owned()));
            world.expect_rest(ErrorKind::Unsupported);
            assert_eq!(kind(UdpSocket::bind("127.0.0.1:0")), Some(ErrorKind::Unsupported));
            assert_eq!(kind(Command::new("/bin/true").spawn()), Some(ErrorKind::Unsupported));
            executable_memory().unwrap_err();
        }
        "reading" => {
            keep_reading();
            File::open("/etc/passwd").unwrap();
            UdpSocket::bind("127.0.0.1:0").unwrap();
            fs::write(env::temp_dir().join("spiped-sandbox"), "x").unwrap_err();
            assert!(Command::new("/bin/true").status().is_err());
            test_kill_process(getppid().unwrap()).unwrap_err();
        }
        other => panic!("no part {other}"),
    }
    // Threads are still to be had.
    thread::spawn(|| ()).join().unwrap();
}

/// What there is outside.
struct World {
    target: TcpListener,
    other: TcpListener,
}

impl World {
    fn new() -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        Self { target: listen(), other: listen() }
    }

    fn needs(&self) -> Needs {
        Needs {
            connects_to: Some(vec![self.target.local_addr().unwrap().port()]),
            connects_from: Vec::new(),
            makes_sockets_in: None,
            capabilities: CapabilitySet::empty(),
        }
    }

    /// What remains is the target.
    fn expect_rest(&self, refusal: ErrorKind) {
        let _connection = TcpStream::connect(self.target.local_addr().unwrap()).unwrap();
        self.target.accept().unwrap();
        assert_eq!(kind(File::open("/etc/passwd")), Some(refusal));
        assert_eq!(kind(fs::write(env::temp_dir().join("spiped-sandbox"), "x")), Some(refusal));
        test_kill_process(getppid().unwrap()).unwrap_err();
    }
}

const DENIED: Option<ErrorKind> = Some(ErrorKind::PermissionDenied);

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn executable_memory() -> rustix::io::Result<()> {
    // SAFETY: a new mapping touches nothing that exists.
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    let mapped = unsafe {
        mmap_anonymous(ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE)
    };
    mapped.map(drop)
}
