//! The package and its units under a real systemd, used as docs/operating.md says.

// Many pipes in one process: spiped.service.
mod many_pipes;
// One pipe a unit: spiped@.service.
mod one_pipe;
// The documentation, from its first command to its last.
mod operations;
// In the place of Debian's package, and away again.
mod replacing;
// Sources that the manager listens on.
mod sockets;
// A new program in the place of the one that runs.
mod upgrades;

use spiped_tests::{Host, Machine, Process, Shell, System, wait};

/// A machine with the package.
#[track_caller]
fn machine() -> Machine {
    let machine = Machine::boot(Host::Db1, System::This);
    machine.install();
    machine
}

/// Waits until Redis answers at this port of the machine.
#[track_caller]
fn wait_for_redis(machine: &Machine, port: u16) {
    wait::until(&format!("Redis answered at port {port}"), || ping(machine, port) == "PONG");
}

/// What comes of a question to Redis at this port of the machine.
fn ping(machine: &Machine, port: u16) -> String {
    let exit = machine.sh(&format!("timeout 3 redis-cli -p {port} ping"));
    String::from_utf8_lossy(&exit.stdout).trim_end().to_owned()
}

/// A connection through a port of a machine that shows all that Redis is told.
struct Monitor<'a> {
    redis: &'a Machine,
    process: Process,
}

impl<'a> Monitor<'a> {
    /// By the port of one machine, which leads to the Redis of another.
    #[track_caller]
    fn start(machine: &Machine, port: u16, redis: &'a Machine) -> Self {
        let process = machine.spawn(&format!("exec redis-cli -p {port} monitor >&2"));
        process.wait_for_stderr("OK");
        Self { redis, process }
    }

    /// Checks that it still goes on.
    #[track_caller]
    fn expect_alive(&mut self, word: &str) {
        self.redis.answer(&format!("redis-cli echo {word}"));
        self.process.wait_for_stderr(word);
        assert!(self.process.is_running());
    }

    /// Waits until it is over.
    #[track_caller]
    fn expect_end(mut self) {
        self.process.wait();
    }
}

/// A drop-in that a unit's comments show: the lines around one of them.
fn commented(machine: &Machine, unit: &str, line: &str) -> String {
    let unit = machine.answer(&format!("cat /usr/lib/systemd/system/{unit}"));
    let lines: Vec<_> = unit.lines().map_while(|line| line.strip_prefix('#')).collect();
    let mut drop_ins = lines.split(|line| line.is_empty());
    let found = drop_ins.find(|lines| lines.iter().any(|text| text.contains(line))).unwrap();
    let start = found.iter().position(|line| line.trim().starts_with('[')).unwrap();
    found[start..].iter().flat_map(|line| [line.trim(), "\n"]).collect()
}

/// Checks that a unit's main process is not root and can do nothing of what root can.
#[track_caller]
fn expect_no_rights(machine: &Machine, unit: &str) {
    let main = machine.answer(&format!("systemctl show --property=MainPID --value {unit}"));
    let status = machine.answer(&format!("grep -E '^(Uid|Cap(Prm|Eff|Amb))' /proc/{main}/status"));
    assert!(!status.contains("Uid:\t0"), "{status}");
    for line in status.lines().filter(|line| line.starts_with("Cap")) {
        assert!(line.ends_with("\t0000000000000000"), "{status}");
    }
}

/// Both ends of a pipe to Redis, in one process.
fn both_ends(machine: &Machine) {
    machine.answer("cd /etc/spiped/keys && spiped keygen redis.key");
    machine.write("/etc/spiped/spiped.toml", SETTINGS);
}

const SETTINGS: &str = r#"
control = "/run/spiped/control"
drain = "5s"
log-level = "info"

[defaults]
key = "/etc/spiped/keys/redis.key"

[pipe.server]
mode = "decrypt"
source = "[0.0.0.0]:6390"
target = "[127.0.0.1]:6379"

[pipe.client]
mode = "encrypt"
source = "[127.0.0.1]:8000"
target = "db1.example.net:6390"
"#;
