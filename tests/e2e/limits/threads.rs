//! No more threads: what runs goes on, and a start makes do with few.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::geteuid;
use spiped_tests::{Backend, Daemon, Lab, Spiped, procfs, wait};

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
    // The helper process, the main thread, the clock of the sandbox, the log's
    // thread and one that computes; then without the last ones. Each of a user
    // whom no other test uses.
    for (number, uid, said) in [
        (5, "64501", "one of each"),
        (4, "64502", "the event loop does its work"),
        (3, "64504", "the event loop does its work"),
    ] {
        let test = Test::start(number, uid, &["--threads", "4"]);
        test.server.process.wait_for_stderr(said);
        test.expect_service();
        assert_eq!(count(&test.server), number - 1);
    }
}

#[test]
fn threads_that_are_refused_later_cost_nothing() {
    let test = Test::start(5, "64503", &[]);
    for _ in 0..20 {
        test.expect_service();
    }
}

#[test]
fn group_of_processes_that_is_full_costs_nothing() {
    let lab = Lab::new();
    // Where the kernel has none, or somebody else keeps it, there is nothing to
    // see.
    let Some(group) = Group::new(&lab) else {
        return;
    };
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).under(group.wrapper()).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"before");
    group.limit(1);
    for _ in 0..20 {
        client.connect().expect_echo(b"served");
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
    let threads = || procfs::status(pid, "Threads")[0] as usize;
    let mut last = threads();
    wait::until("its threads were all there", || std::mem::replace(&mut last, threads()) == last);
    last
}

/// A control group that limits the number of its threads.
struct Group(PathBuf);

impl Group {
    /// Without a limit.
    fn new(lab: &Lab) -> Option<Self> {
        let name = lab.directory().file_name()?;
        ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].iter().find_map(|parent| {
            let path = Path::new(parent).join(name);
            fs::create_dir(&path).ok()?;
            let group = Self(path);
            group.0.join("pids.max").exists().then_some(group)
        })
    }

    /// Starts a program in it.
    fn wrapper(&self) -> Vec<OsString> {
        let words = ["sh", "-c", "echo $$ >\"$1\" && shift && exec \"$@\"", "sh"];
        let words = words.into_iter().map(OsString::from);
        words.chain([self.0.join("cgroup.procs").into()]).collect()
    }

    fn limit(&self, threads: usize) {
        fs::write(self.0.join("pids.max"), threads.to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Those in it are about to end.
        wait::until("the group was empty", || {
            fs::read_to_string(self.0.join("cgroup.procs")).map_or(true, |pids| pids.is_empty())
        });
        let _ = fs::remove_dir(&self.0);
    }
}
