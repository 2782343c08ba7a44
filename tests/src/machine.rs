//! A whole Debian under its own systemd, with the programs installed as
//! `make install` does it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::network::cable;
use crate::{Host, Origin, Process, Program, Shell, procfs, wait};

/// A machine that has booted. On drop it is gone, with all that runs in it; if the
/// test fails, its journal becomes part of the test's output.
pub struct Machine {
    host: Host,
    // Dropped in this order: its processes, their control groups, its files.
    container: Process,
    _groups: ControlGroups,
    root: TempDir,
}

impl Machine {
    /// Boots one of the examples' hosts, with a Redis server, on a network of its own.
    ///
    /// # Panics
    /// If there is no systemd at work in the end.
    #[track_caller]
    pub fn boot(host: Host) -> Self {
        let root = installed();
        let groups = ControlGroups::new(root.path().file_name().unwrap());
        let container = start(root.path(), &groups);
        let machine = Self { host, container, _groups: groups, root };
        wait::until("systemd ran", || {
            machine.leader().is_some()
                && machine.sh("systemctl is-system-running").stdout == b"running\n"
        });
        assert_eq!(machine.answer("cat /proc/1/comm"), "systemd");
        machine.answer(&format!("ip address add {}/32 dev lo", host.address()));
        machine
    }

    /// Puts a cable between two of them.
    #[track_caller]
    pub fn connect(&self, other: &Self) {
        let ends = [self, other];
        cable(ends.map(|machine| machine.leader().expect("the machine runs")));
        for end in ends {
            end.answer(&end.host.plug_in());
        }
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Where a file of it is on this machine.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
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
}

impl Shell for Machine {
    fn spawn(&self, script: &str) -> Process {
        let leader = self.leader().expect("the machine runs").to_string();
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &leader, "--", "/bin/sh", "-c", script]);
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null());
        Process::spawn(command)
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

/// A copy of `tests/systemd/setup.sh`'s Debian with the programs under test.
#[track_caller]
fn installed() -> TempDir {
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let target = project.join("target/systemd");
    run(&mut Command::new(project.join("tests/systemd/setup.sh")));
    // On the disk: it is too much for a /tmp in memory.
    let root = TempDir::with_prefix_in("machine-", &target).unwrap();
    run(Command::new("cp")
        .args(["--archive", "--reflink=auto", "--no-target-directory"])
        .args([target.join("debian").as_path(), root.path()]));
    fs::write(root.path().join("etc/hosts"), Host::names()).unwrap();
    install(root.path());
    root
}

/// Does what `make install` does, with the programs under test.
#[track_caller]
pub fn install(root: &Path) {
    let programs = [Program::Spiped, Program::Spipe].map(|program| program.path(Origin::Ours));
    let [spiped, spipe] = programs.each_ref().map(|path| path.display());
    let mut make = Command::new("make");
    make.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // These are built already.
    make.args(["--old-file=all", "install", &format!("PROGRAMS={spiped} {spipe}")]);
    make.arg(format!("DESTDIR={}", root.display()));
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    run(&mut make);
}

fn start(root: &Path, groups: &ControlGroups) -> Process {
    let mut command = Command::new("sh");
    command.args(["-ec", ENTER_GROUPS_AND_BOOT, "sh"]).arg(root).args(&groups.0);
    // One hierarchy, as all present systems have it; this one may be older.
    command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
    // Its own filter of system calls hides Landlock.
    command.env("SYSTEMD_SECCOMP", "0");
    command.stdin(Stdio::null());
    Process::spawn(command)
}

/// With a process namespace around it all, whose end is the end of the machine:
/// systemd-nspawn alone would leave it running if it is killed.
const ENTER_GROUPS_AND_BOOT: &str = r#"
root=$1
shift
for group; do
    echo $$ >"$group/cgroup.procs"
done
exec unshare --pid --fork --kill-child --mount-proc \
    systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit \
    --private-network --link-journal=no --console=pipe
"#;

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
