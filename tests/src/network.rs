//! The hosts of the documentation's examples, on a network that exists for one
//! test.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::{fmt, fs};

use crate::{Hosts, Lab, Process, Shell, wait};

/// Which host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It runs Redis.
    Db1,
    /// So does this one.
    Db2,
    /// It uses Redis.
    App1,
}

impl Host {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Db1, Self::App1, Self::Db2];

    /// Its address.
    pub fn address(self) -> &'static str {
        match self {
            Self::Db1 => "192.0.2.1",
            Self::Db2 => "192.0.2.2",
            Self::App1 => "192.0.2.10",
        }
    }

    /// Whether it has a Redis server.
    pub(crate) fn runs_redis(self) -> bool {
        self != Self::App1
    }

    /// What `/etc/hosts` says on each of them.
    pub(crate) fn names() -> String {
        let own = Self::ALL.map(|host| format!("{} {host}.example.net {host}\n", host.address()));
        format!("127.0.0.1 localhost\n{}", own.concat())
    }

    /// What to type once there is a cable.
    pub(crate) fn plug_in(self) -> String {
        let address = self.address();
        format!("ip link set cable up && ip address add {address}/24 dev cable")
    }
}

impl Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Db1 => "db1",
            Self::Db2 => "db2",
            Self::App1 => "app1",
        })
    }
}

/// A network namespace with a host's address and the files of this machine. What
/// was started in it is ended by whoever started it.
pub struct Namespace {
    keeper: Process,
    names: Hosts,
}

impl Namespace {
    /// Two of them, with a cable between them.
    #[track_caller]
    pub fn pair(lab: &Lab, hosts: [Host; 2]) -> [Self; 2] {
        let pair = hosts.map(|_| Self::new(lab));
        cable(pair.each_ref().map(|namespace| namespace.keeper.pid()));
        for (namespace, host) in pair.iter().zip(hosts) {
            namespace.answer(&format!("ip link set lo up && {}", host.plug_in()));
        }
        pair
    }

    fn new(lab: &Lab) -> Self {
        Self { keeper: keeper(), names: Hosts::new(lab, &Host::names()) }
    }
}

/// What it starts should begin with `exec`, so that it is the program that ends
/// with the test.
impl Shell for Namespace {
    fn spawn(&self, script: &str) -> Process {
        let keeper = self.keeper.pid().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &keeper, "--"]);
        command.args(self.names.wrapper()).args(["sh", "-c", script]);
        command.stdin(Stdio::null());
        Process::spawn(command)
    }
}

/// A switch, on drop gone with its cables.
pub struct Switch(Process);

impl Switch {
    /// With cables to the networks of these processes.
    #[track_caller]
    pub(crate) fn between(hosts: &[i32]) -> Self {
        let switch = Self(keeper());
        switch.ip("link add switch up type bridge");
        for host in hosts {
            let port = format!("port{host}");
            ip(&format!(
                "link add cable netns {host} type veth peer name {port} netns {}",
                switch.0.pid()
            ));
            switch.ip(&format!("link set {port} up master switch"));
        }
        switch
    }

    #[track_caller]
    fn ip(&self, words: &str) {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.0.pid().to_string(), "--", "ip"]);
        command.args(words.split(' '));
        Process::spawn(command).wait().expect_success();
    }
}

/// Connects the networks of two processes.
#[track_caller]
fn cable([one, other]: [i32; 2]) {
    ip(&format!("link add cable netns {one} type veth peer name cable netns {other}"));
}

#[track_caller]
fn ip(words: &str) {
    let mut command = Command::new("ip");
    command.args(words.split(' '));
    Process::spawn(command).wait().expect_success();
}

/// A process with a network of its own, which does nothing.
#[track_caller]
fn keeper() -> Process {
    let mut command = Command::new("unshare");
    command.args(["--net", "sleep", "infinity"]).stdin(Stdio::null());
    let keeper = Process::spawn(command);
    wait::until("there was a network", || {
        network(keeper.pid()).is_some_and(|its| Some(its) != network(process::id()))
    });
    keeper
}

fn network(pid: impl Display) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}
