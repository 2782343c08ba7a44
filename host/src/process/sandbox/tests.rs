#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Command, Output};
use std::ptr;
use std::thread;

use libc::c_long;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{getppid, test_kill_process};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

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

#[test]
fn process_that_reads_has_no_newer_form_of_what_is_forbidden() {
    play("newer forms");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn process_that_reads_has_no_second_numbers_for_what_is_forbidden() {
    play("second numbers");
}

/// Without signals.
#[test]
fn process_that_reads_can_abort() {
    let output = run("abort");
    assert!(output.status.signal().is_some(), "{output:?}");
}

/// Becomes what answers a question of the daemon.
fn help(help: Help) {
    keep_only(help.capabilities());
    help_only(help);
}

fn play(part: &str) {
    let output = run(part);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs this test program again to play a part below.
fn run(part: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "process::sandbox::tests::player", "--nocapture", "--test-threads=1"])
        .env("SANDBOX_PART", part)
        .output()
        .unwrap()
}

/// Not a test by itself: the process that [`run`] starts. It cannot come back,
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
            help(Help::Read);
            File::open("/etc/passwd").unwrap();
            UdpSocket::bind("127.0.0.1:0").unwrap();
            fs::write(env::temp_dir().join("spiped-sandbox"), "x").unwrap_err();
            assert!(Command::new("/bin/true").status().is_err());
            test_kill_process(getppid().unwrap()).unwrap_err();
        }
        "newer forms" => {
            help(Help::Read);
            let (pid, tid) = (rustix::process::getpid(), rustix::thread::gettid());
            // With arguments that do nothing where a call is known.
            for (call, first, second) in [
                (libc::SYS_clone, libc::CLONE_NEWNS | libc::CLONE_FS, 0),
                (libc::SYS_clone3, 0, 0),
                (libc::SYS_tgkill, pid.as_raw_nonzero().get(), tid.as_raw_nonzero().get()),
                // F_SETOWN and FIOSETOWN
                (libc::SYS_fcntl, -1, 8),
                (libc::SYS_ioctl, -1, 0x8901),
                // fchmodat2, setxattrat, removexattrat, open_tree_attr, file_setattr
                (452, -1, 0),
                (463, -1, 0),
                (466, -1, 0),
                (467, -1, 0),
                (469, -1, 0),
            ] {
                assert_eq!(refusal(call, first, second), Some(libc::ENOSYS), "{call}");
            }
        }
        "second numbers" => {
            let second = libc::SYS_getpid | 0x4000_0000;
            // Most kernels do not have these numbers. This one has now: of two
            // filters that refuse a call, the newer says how.
            let known = SeccompFilter::new(
                [(second, Vec::new())].into(),
                SeccompAction::Allow,
                SeccompAction::Errno(libc::EXDEV.cast_unsigned()),
                env::consts::ARCH.try_into().unwrap(),
            );
            let known = BpfProgram::try_from(known.unwrap()).unwrap();
            apply_filter_all_threads(&known).unwrap();
            assert_eq!(refusal(second, 0, 0), Some(libc::EXDEV));
            help(Help::Read);
            assert_eq!(refusal(second, 0, 0), Some(libc::ENOSYS));
        }
        "abort" => {
            help(Help::Read);
            process::abort();
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
            connects_from: Some(Vec::new()),
            connects_to_abstract: false,
            makes_sockets_in: Vec::new(),
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

/// Makes a call whose other arguments are nothing.
fn refusal(call: c_long, first: i32, second: i32) -> Option<i32> {
    // SAFETY: no pointer points anywhere, and no call that is made here starts a
    // process with these arguments or sends a signal, forbidden or not.
    #[allow(unsafe_code, reason = "the number is what is tested")]
    let result = unsafe { libc::syscall(call, first, second, 0, 0, 0, 0) };
    if result == -1 { io::Error::last_os_error().raw_os_error() } else { None }
}

fn executable_memory() -> rustix::io::Result<()> {
    // SAFETY: a new mapping touches nothing that exists.
    #[allow(unsafe_code, reason = "memory mappings have no safe form")]
    let mapped = unsafe {
        mmap_anonymous(ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE)
    };
    mapped.map(drop)
}
