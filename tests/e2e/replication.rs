//! Two hosts that replicate to each other, from one stanza on each.

use std::fs;

use spiped_tests::{Host, Lab, Namespace, Origin, Process, Program, Shell, book, wait};

/// Each host has a primary, which the other may copy, and a replica of the
/// other's.
#[test]
fn both_ways_carries_replication_in_both_directions() {
    let lab = Lab::new();
    let [one, two] = Namespace::pair(&lab, [Host::Db1, Host::Db2]);
    let _primaries = [(&one, Host::Db1), (&two, Host::Db2)].map(|(namespace, host)| {
        let spiped = Program::Spiped.path(Origin::Ours);
        let settings = lab.write(&format!("{host}.toml"), stanza(host));
        let spiped = format!("exec {} -F --config {}", spiped.display(), settings.display());
        [
            namespace.spawn(&spiped),
            redis(&lab, namespace, &format!("{host}-primary"), "--port 6379"),
        ]
    });
    for (namespace, name) in [(&one, "one"), (&two, "two")] {
        wait::until("the primary answered", || namespace.sh("redis-cli ping").code() == Some(0));
        namespace.answer(&format!("redis-cli debug populate 20000 {name} 100"));
    }
    // What there is comes over at once.
    let _replicas = [(&one, "db1-replica"), (&two, "db2-replica")]
        .map(|(namespace, name)| redis(&lab, namespace, name, REPLICA));
    for namespace in [&one, &two] {
        wait::until("the replica was in contact", || {
            let state = namespace.sh("redis-cli -p 6380 info replication").stdout;
            String::from_utf8_lossy(&state).contains("master_link_status:up")
        });
    }
    // The rest one by one.
    for (namespace, name) in [(&one, "one"), (&two, "two")] {
        let sets = format!("for i in $(seq 1000); do echo set {name}-$i $i; done | redis-cli");
        namespace.answer(&sets);
    }
    for (primary, replica) in [(&one, &two), (&two, &one)] {
        let expected = digest(primary, 6379);
        wait::until("all had come over", || digest(replica, 6380) == expected);
    }
    assert_ne!(digest(&one, 6379), digest(&two, 6379));
    assert_eq!(one.answer("redis-cli -p 6380 get two-1000"), "1000");
    assert_eq!(two.answer("redis-cli -p 6380 get one-1000"), "1000");
}

/// What the documentation has for a host.
fn stanza(host: Host) -> String {
    let steps = book::steps("docs/redis.md");
    let stanza = steps.iter().find(|step| step.text.contains("[both-ways") && step.is_for(host));
    stanza.unwrap().text.replace("/etc/spiped/keys/replication.key", "key")
}

/// A server with files of its own: a replica writes down what it gets.
#[track_caller]
fn redis(lab: &Lab, namespace: &Namespace, name: &str, more: &str) -> Process {
    let directory = lab.path(name);
    fs::create_dir(&directory).unwrap();
    namespace.spawn(&format!(
        "cd {} && exec redis-server --bind 127.0.0.1 --save '' --enable-debug-command yes \
         --repl-diskless-sync-delay 0 {more}",
        directory.display()
    ))
}

/// Of what the other host's primary is here.
const REPLICA: &str = "--port 6380 --replicaof '127.0.0.1 8000'";

/// A sum of all data.
fn digest(namespace: &Namespace, port: u16) -> String {
    namespace.answer(&format!("redis-cli -p {port} debug digest"))
}
