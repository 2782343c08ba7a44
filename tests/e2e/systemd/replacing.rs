use spiped_tests::packaged::{debian, packaged};
use spiped_tests::{Host, Machine, Shell, System};

use super::{Monitor, both_ends, machine, ping, wait_for_redis};

#[test]
fn package_takes_the_place_of_debians() {
    takes_the_place_of_debians(System::This);
}

/// There, nothing is installed by chance that the package needs and does not name.
#[test]
#[ignore = "soak"]
fn package_takes_the_place_of_debians_in_a_small_system() {
    takes_the_place_of_debians(System::Debian);
}

/// Units that an administrator has written for Debian's `spiped` go on: with the old
/// processes at first, with our program after a restart.
#[track_caller]
fn takes_the_place_of_debians(system: System) {
    let machine = Machine::boot(Host::Db1, system);
    assert_eq!(machine.answer("spiped -v 2>&1"), "spiped 1.6.2");
    units_written_by_hand(&machine);
    wait_for_redis(&machine, 8000);
    let mut monitor = Monitor::start(&machine, 8000, &machine);
    let before = main_processes(&machine);

    let package = machine.give(&packaged(&debian()));
    let said = machine.answer(&format!(
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes {} 2>&1",
        package.display()
    ));
    assert!(said.contains("Removing spiped (1.6.2"), "{said}");
    let hint = "still running the previous program: from-app1.service,to-db1.service";
    assert!(said.contains(hint), "{said}");
    // What runs is what ran.
    assert_eq!(main_processes(&machine), before);
    monitor.expect_alive("with-another-package");
    assert_eq!(machine.answer("systemctl is-enabled spiped || true"), "disabled");

    // Each end alone, then both. Either program would wait for a connection to end.
    machine.answer("kill $(pidof redis-cli)");
    monitor.expect_end();
    machine.answer("systemctl restart from-app1");
    wait_for_redis(&machine, 8000);
    assert_eq!(program(&machine, "to-db1"), "/usr/bin/spiped (deleted)");
    machine.answer("systemctl restart to-db1");
    wait_for_redis(&machine, 8000);
    for unit in ["from-app1", "to-db1"] {
        assert_eq!(program(&machine, unit), "/usr/bin/spiped");
    }
    machine.answer("apt-get check");
}

/// What the package made goes, what an administrator made stays.
#[test]
fn removal_leaves_keys_and_units_of_others() {
    let machine = machine();
    units_written_by_hand(&machine);
    both_ends(&machine);
    machine.answer("sed -i 's/:8000/:8001/' /etc/spiped/spiped.toml");
    machine.answer("systemctl enable --now spiped");
    wait_for_redis(&machine, 8001);
    let before = main_processes(&machine);

    machine.answer("dpkg --remove spiped-wasm");
    assert_eq!(machine.sh("test -e /usr/bin/spiped").code(), Some(1));
    assert_ne!(ping(&machine, 8001), "PONG");
    assert_eq!(main_processes(&machine), before);
    assert_eq!(ping(&machine, 8000), "PONG");

    let said = machine.answer("dpkg --purge spiped-wasm");
    assert!(said.contains("/etc/spiped stays"), "{said}");
    let link = machine.sh("test -L /etc/systemd/system/multi-user.target.wants/spiped.service");
    assert_eq!(link.code(), Some(1));
    machine.answer("test -s /etc/spiped/app1.key -a -s /etc/spiped/keys/redis.key");

    machine.answer("systemctl disable --now from-app1 to-db1 && rm -r /etc/spiped");
    machine.install();
    machine.answer("dpkg --purge spiped-wasm");
    assert_eq!(machine.sh("test -e /etc/spiped").code(), Some(1));

    // Directories that cannot be removed do not make it fail.
    machine.answer("mkdir -p /etc/spiped/keys /mnt/settings");
    machine.answer("mount -t tmpfs keys /etc/spiped/keys");
    machine.install();
    machine.answer("dpkg --purge spiped-wasm");
    machine.answer("umount /etc/spiped/keys && rm -r /etc/spiped");
    machine.answer("ln -s /mnt/settings /etc/spiped");
    machine.install();
    machine.answer("dpkg --purge spiped-wasm");
    machine.answer("test -L /etc/spiped");
}

/// One unit for each end, as administrators write them.
fn units_written_by_hand(machine: &Machine) {
    machine.answer(
        "mkdir -p /etc/spiped && cd /etc/spiped && umask 077 && \
                    dd if=/dev/urandom of=app1.key bs=32 count=1",
    );
    for (unit, words) in [
        ("from-app1", "-d -s 192.0.2.1:6379 -t 127.0.0.1:6379"),
        ("to-db1", "-e -s 127.0.0.1:8000 -t db1.example.net:6379"),
    ] {
        machine.write(
            &format!("/etc/systemd/system/{unit}.service"),
            &format!(
                "[Service]\nExecStart=/usr/bin/spiped -F {words} -k /etc/spiped/app1.key\n\
                 [Install]\nWantedBy=multi-user.target\n"
            ),
        );
    }
    machine.answer("systemctl daemon-reload && systemctl enable --now from-app1 to-db1");
}

/// What a unit runs.
#[track_caller]
fn program(machine: &Machine, unit: &str) -> String {
    let main = format!("systemctl show --property=MainPID --value {unit}");
    machine.answer(&format!("readlink /proc/$({main})/exe"))
}

/// The two units' processes, of which none may be missing.
#[track_caller]
fn main_processes(machine: &Machine) -> String {
    let shown = "systemctl show --property=MainPID,ActiveState from-app1 to-db1";
    let processes = machine.answer(shown);
    assert_eq!(processes.matches("ActiveState=active").count(), 2, "{processes}");
    processes
}
