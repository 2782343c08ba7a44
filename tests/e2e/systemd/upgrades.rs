use spiped_tests::{Machine, Shell, wait};

use super::{Monitor, both_ends, expect_no_rights, machine, ping, wait_for_redis};

#[test]
#[ignore = "soak"]
fn service_is_replaced_under_its_manager() {
    let machine = machine();
    both_ends(&machine);
    watch_closely(&machine);
    machine.answer("systemctl enable --now spiped");
    wait_for_redis(&machine, 8000);
    let mut monitor = Monitor::start(&machine, 8000, &machine);
    for round in 0..3 {
        let before = main(&machine);
        machine.answer("spiped upgrade");
        wait::until("the manager knew the new process", || main(&machine) != before);
        expect_no_rights(&machine, "spiped");
        monitor.expect_alive(&format!("through-upgrade-{round}"));
        assert_eq!(ping(&machine, 8000), "PONG");
    }
    // It is the new one that gives signs of life, that reloads, and that is ended.
    let last = main(&machine);
    wait::observe(std::time::Duration::from_secs(5));
    assert_eq!(
        (main(&machine), machine.answer("systemctl is-active spiped")),
        (last, "active".into())
    );
    machine.answer("systemctl reload spiped");
    wait_for_redis(&machine, 8000);
    monitor.expect_alive("after-a-reload");
    machine.answer("systemctl stop spiped");
    monitor.expect_end();
    let result = machine.answer("systemctl show --property=Result,NRestarts spiped");
    assert_eq!(result, "Result=success\nNRestarts=0");
    assert!(!machine.answer("pidof spiped || echo none").contains(|it: char| it.is_ascii_digit()));
}

#[test]
#[ignore = "soak"]
fn service_with_sockets_of_the_manager_is_replaced() {
    let machine = machine();
    both_ends(&machine);
    let addresses = "[Socket]\nListenStream=127.0.0.1:8000\nListenStream=0.0.0.0:6390\n";
    machine.write("/etc/systemd/system/spiped.socket.d/addresses.conf", addresses);
    machine.answer("systemctl daemon-reload && systemctl enable --now spiped.socket");
    wait_for_redis(&machine, 8000);
    let mut monitor = Monitor::start(&machine, 8000, &machine);
    for round in 0..2 {
        machine.answer("spiped upgrade");
        monitor.expect_alive(&format!("through-upgrade-{round}"));
        assert_eq!(ping(&machine, 8000), "PONG");
    }
    machine.answer("systemctl restart spiped");
    wait_for_redis(&machine, 8000);
}

#[test]
fn program_that_cannot_take_over_leaves_the_service_as_it_is() {
    let machine = machine();
    both_ends(&machine);
    watch_closely(&machine);
    machine.answer("systemctl start spiped");
    wait_for_redis(&machine, 8000);
    let mut monitor = Monitor::start(&machine, 8000, &machine);
    let before = main(&machine);
    let spiped = machine.answer("command -v spiped");
    machine.answer(&format!("mv {spiped} /root/spiped"));
    for (install, reason) in [
        ("true", "No such file or directory"),
        ("install -m 755 /bin/true SPIPED", "exited with status 0"),
        ("echo nothing > SPIPED; chmod 755 SPIPED", "Exec format error"),
    ] {
        machine.answer(&install.replace("SPIPED", &spiped));
        machine.sh("/root/spiped upgrade").expect_failure(reason);
        machine.answer(&format!("rm -f {spiped}"));
        assert_eq!(main(&machine), before);
        monitor.expect_alive("the-wrong-program-changed-nothing");
    }
    machine.answer(&format!("mv /root/spiped {spiped}"));
    machine.answer("echo 'no-such-option = 1' > /etc/spiped/pipes.d/wrong.toml");
    machine.sh("spiped upgrade").expect_failure("no-such-option");
    machine.answer("rm /etc/spiped/pipes.d/wrong.toml");
    machine.answer("spiped upgrade --check");
    assert_eq!(main(&machine), before);
    machine.answer("spiped upgrade");
    assert_ne!(main(&machine), before);
    monitor.expect_alive("and-the-right-one");
}

/// What the unit says would take half a minute.
fn watch_closely(machine: &Machine) {
    machine.write("/etc/systemd/system/spiped.service.d/test.conf", "[Service]\nWatchdogSec=2s\n");
    machine.answer("mkdir -p /etc/spiped/pipes.d && systemctl daemon-reload");
}

/// The service's main process.
fn main(machine: &Machine) -> String {
    machine.answer("systemctl show --property=MainPID --value spiped")
}
