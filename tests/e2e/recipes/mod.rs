//! The recipes, done as their pages say, with the services that they are for.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use spiped_tests::book::{self, Step};
use spiped_tests::walkthrough::Walkthrough;
use spiped_tests::{Host, Machine, Shell, System, wait};

#[test]
#[ignore = "soak"]
fn other_services_work_as_the_documentation_says() {
    peers();
    let [db1, app1] = Machine::boot_all([Host::Db1, Host::App1], System::This);
    let _network = Machine::connect(&[&db1, &app1]);
    start(&[&db1, &app1]);
    // As if just installed, whatever this system has.
    db1.answer("rm -rf /etc/postgresql /var/lib/postgresql/*");
    db1.answer("pg_createcluster $(ls /usr/lib/postgresql | tail -n 1) main --start");
    let_in(&db1, &app1);
    let mail = db1.spawn("PYTHONUNBUFFERED=1 exec aiosmtpd -n -l 127.0.0.1:25 >&2");
    for machine in [&db1, &app1] {
        machine.write("/etc/stunnel/psk", &format!("app1:{}\n", "5a".repeat(32)));
    }
    let mut admin = Walkthrough::on(&[&db1, &app1], &[]);
    for step in book::steps("docs/recipes.md") {
        if step.text.contains("disable --now stunnel@redis") {
            for machine in [&db1, &app1] {
                machine.answer("systemctl start stunnel@redis");
            }
            wait::until("the tunnel carried", || {
                app1.sh("redis-cli -p 8001 ping").code() == Some(0)
            });
        }
        admin.follow(&step);
        if step.heading == "SMTP" && step.text.contains("smtplib") {
            mail.wait_for_stderr("through the pipe");
        }
    }
    admin.finish();
    assert_eq!(app1.answer("redis-cli -p 8001 ping"), "PONG");
    assert_eq!(app1.answer("cat /root/and-back"), "app1");
    // The pipe of a unit goes on from the file that was made of it.
    let through = "ssh -o ProxyCommand=none -p 8022 127.0.0.1 hostname";
    assert_eq!(app1.answer(through), "db1");
}

#[test]
#[ignore = "soak"]
fn redis_sentinel_and_cluster_work_as_the_documentation_says() {
    peers();
    let machines = Machine::boot_all([Host::Db1, Host::Db2, Host::App1], System::This);
    let machines = machines.each_ref();
    let _network = Machine::connect(&machines);
    start(&machines);
    let mut admin = Walkthrough::on(&machines, &[]);
    for step in book::steps("docs/redis-cluster.md") {
        admin.follow(&step);
    }
    admin.finish();
}

/// The service runs, with the pipe that the README makes.
#[track_caller]
fn start(machines: &[&Machine]) {
    let steps = book::steps("README.md");
    let [db1, others @ ..] = machines else { panic!("no machine") };
    for machine in machines {
        machine.install();
        let host = if machine.host() == Host::Db1 { Host::Db1 } else { Host::App1 };
        let is_settings = |step: &&Step| step.file() == Some(SETTINGS) && step.is_for(host);
        machine.write(SETTINGS, &steps.iter().find(is_settings).unwrap().text);
    }
    let key = "/etc/spiped/keys/redis.key";
    db1.answer(&format!("spiped keygen {key}"));
    for other in others {
        fs::copy(db1.path(key), other.path(key)).unwrap();
    }
    for machine in machines {
        machine.answer("systemctl start spiped");
    }
}

/// Root of `app1` may log in at `db1`.
#[track_caller]
fn let_in(db1: &Machine, app1: &Machine) {
    db1.answer("rm -f /etc/ssh/ssh_host_* && mkdir -p /root/.ssh && chmod 700 /root/.ssh");
    for key in ["/etc/ssh/ssh_host_ed25519_key", "/root/login"] {
        db1.answer(&format!("ssh-keygen -q -t ed25519 -N '' -f {key}"));
    }
    db1.answer("cp /root/login.pub /root/.ssh/authorized_keys && systemctl start ssh");
    let host = db1.read("/etc/ssh/ssh_host_ed25519_key.pub");
    app1.write("/root/.ssh/known_hosts", &format!("* {host}"));
    app1.write("/root/.ssh/id_ed25519", &db1.read("/root/login"));
    app1.answer("chmod 600 /root/.ssh/id_ed25519");
}

const SETTINGS: &str = "/etc/spiped/spiped.toml";

/// Installs the services.
#[track_caller]
fn peers() {
    let services = [
        ("psql", "postgresql"),
        ("sshd", "openssh-server"),
        ("aiosmtpd", "python3-aiosmtpd"),
        ("stunnel4", "stunnel4"),
        ("redis-sentinel", "redis-sentinel"),
    ];
    let missing = services.iter().filter(|(program, _)| !is_there(program));
    let missing: Vec<_> = missing.map(|(_, package)| package).collect();
    if !missing.is_empty() {
        let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut install = Command::new(project.join("host/packaging/install-debian.sh"));
        install.args(missing).stdin(Stdio::null());
        assert!(install.status().unwrap().success());
    }
}

fn is_there(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin"].iter().any(|folder| Path::new(folder).join(program).exists())
}
