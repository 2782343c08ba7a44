use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

use spiped_tests::{Configured, Endpoint, Lab, Process, Redis, pipe, wait};

/// Both ends of a pipe to Redis, in one process.
struct Service<'lab> {
    daemon: Configured<'lab>,
    _first: Process,
    redis: Redis,
    entrance: Endpoint,
}

impl<'lab> Service<'lab> {
    #[track_caller]
    fn start(lab: &'lab Lab) -> Self {
        let redis = Redis::start(lab, &["--repl-diskless-sync-delay", "0"]);
        let (crypt, entrance) = (lab.tcp(), lab.tcp());
        let daemon = Configured::new(lab);
        let pipes = [
            pipe("out", "decrypt", &crypt, redis.endpoint(), ""),
            pipe("in", "encrypt", &entrance, &crypt, ""),
        ];
        daemon.write("", &pipes);
        let first = daemon.start(&[&crypt, &entrance]);
        Self { daemon, _first: first, redis, entrance }
    }

    #[track_caller]
    fn upgrade(&self) {
        self.daemon.run(&["upgrade"]).expect_success();
    }
}

/// What a Redis says of itself: the number, or the word, of this name.
#[track_caller]
fn info(at: &Endpoint, name: &str) -> String {
    let info = Redis::cli(at, &["info", "everything"]).answer();
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {info}")).trim_end().to_owned()
}

/// A benchmark, a replica and a MONITOR do not notice any of them.
#[test]
fn ten_upgrades_in_a_row_go_unnoticed() {
    let lab = Lab::new();
    let service = Service::start(&lab);
    let port = service.entrance.port().to_string();
    let replica = Redis::start(&lab, &["--replicaof", "127.0.0.1", &port]);
    wait::until("the replica was in contact", || {
        info(replica.endpoint(), "master_link_status") == "up"
    });
    let monitor = Monitor::start(&service.entrance);
    let syncs = info(service.redis.endpoint(), "sync_full");

    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["-h", "127.0.0.1", "-p", &port, "-c", "20", "-n", "100000000", "-P", "4"]);
    benchmark.args(["-t", "set", "-q"]).stdin(Stdio::null());
    let mut benchmark = Process::spawn(benchmark);
    let done = || info(service.redis.endpoint(), "total_commands_processed");
    let busy = |count: u64| {
        let before: u64 = done().parse().unwrap();
        wait::until("the benchmark was under way", || {
            done().parse::<u64>().unwrap() > before + count
        });
    };
    busy(1000);
    let connected = info(service.redis.endpoint(), "connected_clients");
    for _ in 0..10 {
        service.upgrade();
        busy(100);
        assert!(benchmark.is_running(), "{}", benchmark.stderr());
    }
    assert_eq!(info(service.redis.endpoint(), "connected_clients"), connected);
    assert_eq!(info(service.redis.endpoint(), "sync_full"), syncs);
    assert_eq!(info(replica.endpoint(), "master_link_status"), "up");
    assert_eq!(benchmark.stderr(), "");
    drop(benchmark);
    Redis::cli(&service.entrance, &["set", "after", "all"]).expect_success();
    wait::until("the replica had it", || {
        Redis::cli(replica.endpoint(), &["get", "after"]).answer() == "all"
    });
    monitor.expect("\"set\" \"after\" \"all\"");
}

/// `redis-cli MONITOR`.
struct Monitor {
    _process: Process,
    output: File,
}

impl Monitor {
    #[track_caller]
    fn start(at: &Endpoint) -> Self {
        let output = tempfile::tempfile().unwrap();
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &at.port().to_string(), "monitor"]);
        command.stdin(Stdio::null());
        let process = Process::spawn_writing_to(command, output.try_clone().unwrap());
        let monitor = Self { _process: process, output };
        monitor.expect("OK");
        monitor
    }

    /// Waits until it has shown this.
    #[track_caller]
    fn expect(&self, text: &str) {
        let mut shown = Tail::new(&self.output);
        wait::until(&format!("{text} was shown"), || shown.has(text));
    }
}

/// A file that grows, read without moving its position.
struct Tail<'a> {
    file: &'a File,
    at: u64,
    last: Vec<u8>,
}

impl<'a> Tail<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, at: 0, last: Vec::new() }
    }

    fn has(&mut self, text: &str) -> bool {
        let mut bytes = vec![0; 1 << 20];
        loop {
            let count = self.file.read_at(&mut bytes, self.at).unwrap();
            if count == 0 {
                return false;
            }
            self.at += count as u64;
            self.last.extend_from_slice(&bytes[..count]);
            if self.last.windows(text.len()).any(|window| window == text.as_bytes()) {
                return true;
            }
            let keep = self.last.len().saturating_sub(text.len());
            self.last.drain(..keep);
        }
    }
}
