//! A whole machine under its own systemd.

use std::ffi::OsStr;
use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::network::Switch;
use crate::packaged::{debian, packaged};
use crate::{Host, Origin, Process, Program, Shell, Terminal, procfs, wait};

/// A machine that has booted. On drop it is gone, with all that runs in it and all
/// that it has written; if the test fails, its journal becomes part of the test's
/// output.
pub struct Machine {
    host: Host,
    // Dropped in this order: its processes, their control groups, where its files were.
    container: Process,
    _groups: ControlGroups,
    _mounts: TempDir,
}

/// What a machine has before the test writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// The files of the system that runs the test, but none of its services: there in
    /// a second.
    This,
    /// Debian 12 and little else, made by `tests/systemd/setup.sh`.
    Debian,
}

impl Machine {
    /// Boots one of the examples' hosts, on a network of its own, with a Redis server
    /// if it is one that has.
    ///
    /// # Panics
    /// If there is no systemd at work in the end.
    #[track_caller]
    pub fn boot(host: Host, system: System) -> Self {
        let mounts = TempDir::with_prefix("machine-").unwrap();
        let groups = ControlGroups::new(mounts.path().file_name().unwrap());
        let container = start(host, &system.files(), mounts.path(), &groups);
        let machine = Self { host, container, _groups: groups, _mounts: mounts };
        wait::until("systemd ran", || {
            machine.leader().is_some()
                && machine.sh("systemctl is-system-running --wait").stdout == b"running\n"
        });
        assert_eq!(machine.answer("cat /proc/1/comm"), "systemd");
        machine.answer(&format!("ip address add {}/32 dev lo", host.address()));
        machine
    }

    /// Boots several of them at the same time.
    #[track_caller]
    pub fn boot_all<const N: usize>(hosts: [Host; N], system: System) -> [Self; N] {
        thread::scope(|scope| {
            hosts
                .map(|host| scope.spawn(move || Self::boot(host, system)))
                .map(|machine| machine.join().expect("it booted"))
        })
    }

    /// Installs the package, as `make deb` made it.
    #[track_caller]
    pub fn install(&self) {
        let package = self.give(&packaged(&debian()));
        self.answer(&format!("dpkg --install {}", package.display()));
    }

    /// Copies a file into root's home, and says where that is inside.
    #[track_caller]
    pub fn give(&self, file: &Path) -> PathBuf {
        let copy = Path::new("/root").join(file.file_name().expect("a file"));
        fs::copy(file, self.path(copy.to_str().unwrap())).unwrap();
        copy
    }

    /// Puts them all on one network.
    #[track_caller]
    pub fn connect(machines: &[&Self]) -> Switch {
        let leaders = machines.iter().map(|machine| machine.leader().expect("it runs"));
        let switch = Switch::between(&leaders.collect::<Vec<_>>());
        for machine in machines {
            machine.answer(&machine.host.plug_in());
        }
        switch
    }

    /// Its host.
    pub fn host(&self) -> Host {
        self.host
    }

    /// A terminal, with a shell in root's home.
    #[track_caller]
    pub fn terminal(&self) -> Terminal {
        let mut terminal = Terminal::open(self.entering(&["bash"]));
        terminal.enter("cd; export TERM=dumb PAGER=cat DEBIAN_FRONTEND=noninteractive");
        terminal
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What a file has.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Where a file of it is on this machine.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.leader().expect("it runs"));
        Path::new(&root).join(path.trim_start_matches('/'))
    }

    /// What its journal has of a unit.
    pub fn journal(&self, unit: &str) -> String {
        self.answer(&format!("journalctl --quiet --no-pager --output=cat --unit={unit}"))
    }

    /// Waits until its journal says `text` of a unit.
    #[track_caller]
    pub fn wait_for_journal(&self, unit: &str, text: &str) {
        wait::until(&format!("{text:?} was in the journal of {unit}"), || {
            self.journal(unit).contains(text)
        });
    }

    /// The process that is the first one inside.
    fn leader(&self) -> Option<i32> {
        let [nspawn] = procfs::children(self.container.pid())[..] else { return None };
        let [leader] = procfs::children(nspawn)[..] else { return None };
        Some(leader)
    }

    /// A command inside.
    fn entering(&self, words: &[&str]) -> Command {
        // For moments while it boots, there is another process beside it.
        let leader = wait::until_some("the machine ran", || self.leader()).to_string();
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &leader, "--"]).args(words);
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("HOME", "/root");
        command.stdin(Stdio::null());
        command
    }
}

impl Shell for Machine {
    fn spawn(&self, script: &str) -> Process {
        Process::spawn(self.entering(&["/bin/sh", "-c", script]))
    }
}

impl Drop for Machine {
    #[allow(clippy::print_stderr, reason = "part of a failed test's report")]
    fn drop(&mut self) {
        if thread::panicking() && self.leader().is_some() {
            let journal = self.sh("journalctl --quiet --no-pager --unit='spiped*'");
            eprintln!("--- the journal:\n{}", String::from_utf8_lossy(&journal.stdout));
        }
    }
}

impl System {
    /// Where its files are.
    #[track_caller]
    fn files(self) -> PathBuf {
        match self {
            Self::This => "/".into(),
            Self::Debian => {
                let project = Path::new(PROJECT);
                run(&mut Command::new(project.join("tests/systemd/setup.sh")));
                project.join("target/systemd/debian").canonicalize().unwrap()
            }
        }
    }
}

/// Does what `make install` does, with the programs under test.
#[track_caller]
pub fn install(root: &Path) {
    let programs = [Program::Spiped, Program::Spipe].map(|program| program.path(Origin::Ours));
    let [spiped, spipe] = programs.each_ref().map(|path| path.display());
    let mut make = Command::new("make");
    make.current_dir(PROJECT);
    // These are built already.
    make.args(["--old-file=all", "install", &format!("PROGRAMS={spiped} {spipe}")]);
    make.arg(format!("DESTDIR={}", root.display()));
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    run(&mut make);
}

#[track_caller]
fn start(host: Host, files: &Path, mounts: &Path, groups: &ControlGroups) -> Process {
    let service = if host.runs_redis() { "redis-server" } else { "" };
    let mut names = tempfile::tempfile().unwrap();
    names.write_all(Host::names().as_bytes()).unwrap();
    names.rewind().unwrap();
    let mut command = Command::new(Path::new(PROJECT).join("tests/systemd/boot.sh"));
    command.args([files, mounts]).args([&host.to_string(), service]).args(&groups.0);
    command.stdin(names);
    Process::spawn(command)
}

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Control groups for one machine, in every hierarchy that systemd uses: two
/// machines in one group would take each other's apart.
struct ControlGroups(Vec<PathBuf>);

impl ControlGroups {
    fn new(name: &OsStr) -> Self {
        let hierarchies = HIERARCHIES.map(Path::new).into_iter();
        let hierarchies = hierarchies.filter(|path| path.join("cgroup.procs").is_file());
        let groups = Self(hierarchies.map(|path| path.join(name)).collect());
        for group in &groups.0 {
            fs::create_dir(group).unwrap();
        }
        groups
    }
}

impl Drop for ControlGroups {
    fn drop(&mut self) {
        for group in &self.0 {
            // Its last process may not be quite gone.
            wait::until(&format!("{} was gone", group.display()), || {
                remove_groups(group);
                !group.exists()
            });
        }
    }
}

fn remove_groups(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&inner.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {errors}", output.status);
}

/// One hierarchy, or two of which an older system has both.
const HIERARCHIES: [&str; 3] =
    ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
