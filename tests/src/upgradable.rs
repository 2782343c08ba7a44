//! A daemon in the background, with pipes of all kinds, that is replaced while it
//! serves.

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::traffic::{Connection, Form, Manner, Traffic};
use crate::{
    Backend, Configured, Endpoint, Lab, Origin, Process, Program, Steps, pipe, procfs, wait,
};

/// One daemon after the other, in the same place.
pub struct Upgradable<'a> {
    lab: &'a Lab,
    configured: Configured<'a>,
    pipes: [Pipe; 4],
    wrapper: Vec<OsString>,
    launched: Option<Process>,
    /// What its processes report.
    pub steps: Steps,
    numbers: Cell<u64>,
}

struct Pipe {
    form: Form,
    source: Endpoint,
    target: Backend,
}

impl<'a> Upgradable<'a> {
    /// Describes one: a pipe for each form of a connection.
    pub fn new(lab: &'a Lab) -> Self {
        let forms = [Form::Server, Form::ServerX25519, Form::Client, Form::ClientX25519];
        let pipes =
            forms.map(|form| Pipe { form, source: lab.tcp(), target: Backend::narrow(lab) });
        let upgradable = Self {
            lab,
            configured: Configured::new(lab),
            pipes,
            wrapper: Vec::new(),
            launched: None,
            steps: Steps::of(lab),
            numbers: 0.into(),
        };
        upgradable.configure("");
        upgradable
    }

    /// Starts the first through another program, which must exec it.
    #[must_use]
    pub fn under(mut self, wrapper: impl IntoIterator<Item = OsString>) -> Self {
        self.wrapper = wrapper.into_iter().collect();
        self
    }

    /// Writes the settings, with these lines about the process.
    pub fn configure(&self, process: &str) {
        self.configured.write(&Self::process(process), &self.pipes(""));
    }

    /// These lines about the process, and what is always said of it.
    pub fn process(more: &str) -> String {
        format!("program = \"{PROGRAM}\"\n{more}")
    }

    /// The program that the next process is.
    pub fn install(&self, program: &Path) {
        let new = self.lab.path("program.new");
        symlink(program, &new).unwrap();
        fs::rename(new, self.lab.path(PROGRAM)).unwrap();
    }

    /// A script as the program that the next process is.
    pub fn install_script(&self, script: &str) {
        let path = self.lab.write("script", format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.install(&path);
    }

    /// The pipes as they are in the settings, with these lines about each.
    pub fn pipes(&self, more: &str) -> [String; 4] {
        self.pipes.each_ref().map(|Pipe { form, source, target }| {
            let (name, mode, exchange) = match form {
                Form::Server => ("server", "decrypt", ""),
                Form::ServerX25519 => ("server-x25519", "decrypt", ""),
                Form::Client => ("client", "encrypt", "kex = \"modp2048\"\n"),
                Form::ClientX25519 => ("client-x25519", "encrypt", "kex = \"x25519\"\n"),
            };
            let most = if more.contains("max-connections") {
                String::new()
            } else {
                format!("max-connections = {CONNECTIONS_MAX}\n")
            };
            let more = format!("{exchange}{most}{more}");
            pipe(name, mode, source, target.endpoint(), &more)
        })
    }

    /// Starts the first, which is the program `spiped-edition`, as all are.
    #[must_use]
    #[track_caller]
    pub fn edition(self) -> Self {
        self.start(&edition(), &[])
    }

    /// Starts the first, which is the program under test, as all are.
    #[must_use]
    #[track_caller]
    pub fn ours(self) -> Self {
        self.start(&Program::Spiped.path(Origin::Ours), &[])
    }

    /// Starts the first, which is this program with these variables in its
    /// environment. What is installed then is the next.
    #[must_use]
    #[track_caller]
    pub fn start(mut self, program: &Path, variables: &[&str]) -> Self {
        let mut words = self.wrapper.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        self.install(program);
        command.args(["-p", PID_FILE, "--config"]).arg(self.configured.file());
        command.current_dir(self.lab.directory());
        let reports = self.steps.variable();
        for variable in variables.iter().copied().chain([reports.as_str()]) {
            let (name, value) = variable.split_once('=').expect("NAME=VALUE");
            command.env(name, value);
        }
        let mut launched = Process::spawn(command);
        launched.wait().expect_success();
        self.launched = Some(launched);
        self
    }

    /// The process that the pid file names.
    #[track_caller]
    pub fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.lab.path(PID_FILE)).unwrap();
        text.trim_end().parse().unwrap_or_else(|error| panic!("a pid file: {text:?}: {error}"))
    }

    /// The program that it runs.
    #[track_caller]
    pub fn program(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/exe", self.pid())).unwrap()
    }

    /// What all processes have written to standard error.
    pub fn log(&self) -> String {
        self.launched.as_ref().map(Process::stderr).unwrap_or_default()
    }

    /// Its log has so many lines with `text`, once the log's own thread has written
    /// them: whoever asked for something hears of it before that.
    #[track_caller]
    pub fn expect_logged(&self, text: &str, times: usize) {
        let lines = || self.log().lines().filter(|line| line.contains(text)).count();
        wait::until("the log told of it", || lines() >= times);
        assert_eq!(lines(), times, "{}", self.log());
    }

    /// The settings.
    pub fn configured(&self) -> &Configured<'a> {
        &self.configured
    }

    /// Asks for an upgrade, and does not wait.
    #[track_caller]
    pub fn ask(&self) -> Process {
        self.configured.ask(&["upgrade"])
    }

    /// An upgrade that works. Says what is said of it.
    #[track_caller]
    pub fn upgrade(&self) -> String {
        let before = self.pid();
        let said = self.configured.run(&["upgrade"]).answer();
        assert_ne!(self.pid(), before, "{said}");
        assert!(procfs::is_alive(self.pid()), "{said}");
        said
    }

    /// An upgrade that does not work, for this reason. The daemon goes on, alone.
    #[track_caller]
    pub fn expect_refusal(&self, reason: &str) {
        let before = self.pid();
        let exit = self.configured.run(&["upgrade"]);
        exit.expect_failure(reason);
        self.expect_unchanged(before);
    }

    /// Checks that the process is the one that it was, and that there is no other.
    #[track_caller]
    pub fn expect_unchanged(&self, before: i32) {
        assert_eq!(self.pid(), before);
        assert!(procfs::is_alive(before), "the daemon has ended");
        self.wait_until_only(before);
    }

    /// A connection of each of these manners, with the forms in turn.
    #[track_caller]
    pub fn connections(&self, manners: impl IntoIterator<Item = Manner>) -> Vec<Connection> {
        let mut connections = Vec::new();
        for manner in manners {
            let number = self.numbers.replace(self.numbers.get() + 1);
            let index = usize::try_from(number).unwrap();
            let Pipe { form, source, target } = &self.pipes[index % self.pipes.len()];
            connections.push(Connection::establish(number, *form, manner, source, target));
        }
        connections
    }

    /// Checks that new connections are served.
    #[track_caller]
    pub fn expect_service(&self) {
        let connections = self.connections([Manner::Idle; 4]);
        let traffic = Traffic::start(connections);
        traffic.settle();
        traffic.finish().expect_all_delivered();
    }

    /// Ends a process of this lab at once, and waits until it has ended.
    #[track_caller]
    pub fn kill(&self, pid: i32) {
        assert!(self.processes().contains(&pid), "process {pid} is not one of this lab");
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        // Its sockets are closed by the last of its threads.
        let threads = || fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        wait::until("it had ended", || !procfs::is_alive(pid) && threads() <= 1);
    }

    /// All that run in this lab.
    pub fn processes(&self) -> Vec<i32> {
        let processes = procfs::working_in(self.lab.directory()).into_iter();
        processes.filter(|&pid| procfs::is_alive(pid)).collect()
    }

    /// Waits until nothing runs but this process and its children.
    #[track_caller]
    pub fn wait_until_only(&self, pid: i32) {
        wait::until("there was only the one daemon", || {
            let own = procfs::children(pid);
            self.processes().into_iter().all(|it| it == pid || own.contains(&it))
        });
    }

    /// Waits until nothing runs.
    #[track_caller]
    pub fn wait_until_none(&self) {
        wait::until("there was no process left", || self.processes().is_empty());
    }
}

/// The test program that is a second daemon. It is built with the tests.
///
/// # Panics
/// If it is not there.
pub fn edition() -> PathBuf {
    built("spiped-edition")
}

/// A program that is built with the tests.
///
/// # Panics
/// If it is not there.
pub fn built(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    let program = folder.join(name);
    assert!(program.is_file(), "{} is missing: build the whole workspace", program.display());
    program
}

const PID_FILE: &str = "pid";
const PROGRAM: &str = "program";
const CONNECTIONS_MAX: u32 = 600;
