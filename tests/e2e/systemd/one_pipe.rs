use spiped_tests::{Machine, Shell, wait};

use super::{Monitor, commented, expect_no_rights, machine, ping, wait_for_redis};

#[test]
fn unit_of_one_pipe_serves_and_reloads_its_keys() {
    let machine = machine();
    two_units(&machine);
    machine.answer("systemctl enable --now spiped@server spiped@client");
    wait_for_redis(&machine, 8000);
    for unit in ["spiped@server", "spiped@client"] {
        assert_eq!(machine.answer(&format!("systemctl is-active {unit}")), "active");
        expect_no_rights(&machine, unit);
    }
    let mut monitor = Monitor::start(&machine, 8000, &machine);

    // A new key, for the server first.
    machine.answer("spiped keygen /etc/spiped/new.key");
    machine.answer("mv /etc/spiped/new.key /etc/spiped/server.key");
    machine.answer("systemctl reload spiped@server");
    assert_ne!(ping(&machine, 8000), "PONG");
    monitor.expect_alive("one-end-has-the-new-key");
    machine.answer("cp /etc/spiped/server.key /etc/spiped/client.key");
    machine.answer("systemctl reload spiped@client");
    wait_for_redis(&machine, 8000);
    monitor.expect_alive("both-ends-have-the-new-key");

    // One that cannot be used.
    machine.answer(": > /etc/spiped/server.key");
    machine.sh("systemctl reload spiped@server").expect_failure("spiped@server.service");
    machine.wait_for_journal("spiped@server", "server.key");
    assert_eq!(ping(&machine, 8000), "PONG");
    monitor.expect_alive("the-old-key-goes-on");
}

#[test]
#[ignore = "soak"]
fn unit_of_one_pipe_takes_several_keys() {
    let machine = machine();
    two_units(&machine);
    machine.answer(
        "mkdir -m 700 /etc/spiped/server.keys && cd /etc/spiped/server.keys && \
                    spiped keygen other && cp ../client.key app1",
    );
    machine.answer("echo 'KEYS=-k /etc/spiped/server.keys' >> /etc/spiped/server.env");
    machine.answer("systemctl start spiped@server spiped@client");
    wait_for_redis(&machine, 8000);
    machine.wait_for_journal("spiped@server", "key app1: closed");

    machine.answer(
        "echo 'KEYS=-k a=/etc/spiped/server.keys/other \
                    -k b=/etc/spiped/server.keys/app1' >> /etc/spiped/server.env",
    );
    machine.answer("systemctl restart spiped@server");
    wait_for_redis(&machine, 8000);
    machine.wait_for_journal("spiped@server", "key b: closed");
}

#[test]
fn copy_of_the_key_by_the_manager_is_enough() {
    let machine = machine();
    two_units(&machine);
    let drop_in = commented(&machine, "spiped@.service", "LoadCredential=");
    machine.write("/etc/systemd/system/spiped@server.service.d/key.conf", &drop_in);
    machine.answer("systemctl daemon-reload && systemctl start spiped@server spiped@client");
    wait_for_redis(&machine, 8000);
    let capabilities = machine.answer("grep CapBnd /proc/$(pidof -s spiped)/status");
    assert!(!capabilities.is_empty());
    let show = machine.answer("systemctl show --property=ExecStart,Environment spiped@server");
    assert!(show.contains("/run/credentials/spiped@server.service/key"), "{show}");
}

#[test]
#[ignore = "soak"]
fn what_is_missing_is_named() {
    let machine = machine();
    let start = machine.sh("systemctl enable --now spiped@nothing");
    start.expect_failure("Assertion failed on job for spiped@nothing.service");
    let status = machine.sh("systemctl status spiped@nothing").stdout;
    let status = String::from_utf8(status).unwrap();
    assert!(status.contains("AssertPathExists=/etc/spiped/nothing.env was not met"), "{status}");

    two_units(&machine);
    machine.answer("rm /etc/spiped/server.key");
    machine.sh("systemctl start spiped@server").expect_failure("spiped@server.service");
    let missing = "/etc/spiped/server.key: No such file or directory";
    machine.wait_for_journal("spiped@server", missing);
    // And it starts by itself once the key is there.
    machine.answer("cp /etc/spiped/client.key /etc/spiped/server.key");
    wait::until("the server had started", || {
        machine.sh("systemctl is-active spiped@server").stdout == b"active\n"
    });
}

/// Settings for the two ends of a pipe to Redis, with a key.
fn two_units(machine: &Machine) {
    machine.answer("cd /etc/spiped && spiped keygen server.key && cp server.key client.key");
    let example = "/usr/share/doc/spiped-wasm/systemd/example-";
    machine.answer(&format!("cp {example}server.env /etc/spiped/server.env"));
    machine.answer(&format!("cp {example}client.env /etc/spiped/client.env"));
}
