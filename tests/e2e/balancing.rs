//! The example of `HAProxy` in front of two hosts, run as it is written.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use spiped_tests::{Backend, Daemon, Endpoint, Lab, Process, Spiped, procfs, wait};

const EXAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../host/packaging/examples/haproxy/haproxy.cfg");
const BALANCER: &str = "192.0.2.10";
const HOSTS: [&str; 2] = ["192.0.2.11", "192.0.2.12"];
const CLIENT: &str = "192.0.2.100";

#[test]
fn new_connections_go_on_when_one_of_two_hosts_is_killed_under_load() {
    // The addresses of the example are of this test alone.
    unshare(CloneFlags::CLONE_NEWNET).expect("making a network namespace, as root");
    ip(&["link", "set", "lo", "up"]);
    for address in [BALANCER, HOSTS[0], HOSTS[1], CLIENT] {
        ip(&["address", "add", address, "dev", "lo"]);
    }
    // As from another host: by itself, one address of ours would call another as that.
    for host in HOSTS {
        let route = ["local", host, "dev", "lo", "table", "local", "src", BALANCER];
        ip(&[&["route", "replace"][..], &route].concat());
    }
    let lab = Lab::new();
    let service = Backend::echo(&lab);
    let [mut one, two] = HOSTS.map(|address| start_host(&lab, &service, address));
    let mut haproxy = Command::new("haproxy");
    haproxy.args(["-db", "-f", EXAMPLE]);
    let haproxy = Process::spawn(haproxy);
    let entrance = endpoint(BALANCER);
    wait::until("HAProxy listened", || procfs::is_listening(&entrance));
    let bind = format!("[{CLIENT}]");
    let client = Spiped::encrypt(&lab, &entrance).args(&["-b", &bind, "-n", "0"]).start();

    let (is_killed, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let _over = SetOnDrop(&is_over);
        let load = (0..4).map(|_| scope.spawn(|| exchange(&client, &is_killed, &is_over)));
        let load = load.collect::<Vec<_>>();
        let closed = format!("[{CLIENT}]:");
        for host in [&one, &two] {
            host.process.wait_for_stderr(&closed);
        }
        one.process.signal(Signal::SIGKILL);
        one.process.wait();
        is_killed.store(true, Relaxed);
        let before = two.process.stderr().matches("closed: ").count();
        wait::until("the other host had served many", || {
            two.process.stderr().matches("closed: ").count() > before + 200
        });
        is_over.store(true, Relaxed);
        for one in load {
            assert_eq!(one.join().unwrap(), 0, "connections begun after the kill have failed");
        }
    });
    for host in [&one, &two] {
        let log = host.process.stderr();
        let of_others: Vec<_> = log.lines().filter(|line| line.contains("closed: ")).collect();
        assert!(of_others.iter().all(|line| line.contains(&format!("[{CLIENT}]:"))), "{log}");
        // The balancer's health checks are worth no line.
        assert!(!log.contains(&format!("[{BALANCER}]")), "{log}");
    }
    // It gets connections again once health checks have found it.
    haproxy.wait_for_stderr("Server spiped/one is DOWN");
    let one = start_host(&lab, &service, HOSTS[0]);
    haproxy.wait_for_stderr("Server spiped/one is UP");
    wait::until("it had its share", || {
        client.connect().expect_echo(b"is it back?");
        one.process.stderr().contains("closed: ")
    });
}

/// Opens connections one after the other. Says how many have failed that began
/// after the kill.
fn exchange(client: &Daemon, is_killed: &AtomicBool, is_over: &AtomicBool) -> usize {
    let mut failed = 0;
    while !is_over.load(Relaxed) {
        let is_after = is_killed.load(Relaxed);
        if !client.connect().echoes(b"request") && is_after {
            failed += 1;
        }
    }
    failed
}

/// The load ends however the test does.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn start_host(lab: &Lab, service: &Backend, address: &str) -> Daemon {
    Spiped::decrypt(lab, service.endpoint())
        .source(&endpoint(address))
        .args(&["--proxy-from", BALANCER, "--log-level", "info"])
        .start()
}

/// Where the example listens.
fn endpoint(address: &str) -> Endpoint {
    let address: Ipv4Addr = address.parse().unwrap();
    Endpoint::Tcp(SocketAddr::new(IpAddr::V4(address), 6390))
}

fn ip(words: &[&str]) {
    let done = Command::new("ip").args(words).status().expect("running ip");
    assert!(done.success(), "{words:?}");
}
