use spiped_tests::{Shell, wait};

use super::{Monitor, both_ends, commented, expect_no_rights, machine, ping, wait_for_redis};

#[test]
fn service_serves_reloads_and_refuses() {
    let machine = machine();
    both_ends(&machine);
    machine.answer("systemctl enable --now spiped");
    wait_for_redis(&machine, 8000);
    expect_no_rights(&machine, "spiped");
    let mut monitor = Monitor::start(&machine, 8000, &machine);

    // A port that only root may have, in a file that only root may read.
    machine.write("/etc/spiped/pipes.d/low.toml", LOW);
    machine.answer("chmod 600 /etc/spiped/pipes.d/low.toml && systemctl reload spiped");
    wait_for_redis(&machine, 81);
    monitor.expect_alive("a-pipe-has-come");

    // One that cannot be.
    let wrong = LOW.replace("[127.0.0.1]:81", "[127.0.0.1]:82").replace("target", "tarjet");
    machine.write("/etc/spiped/pipes.d/wrong.toml", &wrong);
    machine.sh("systemctl reload spiped").expect_failure("spiped.service");
    machine.wait_for_journal("spiped", "/etc/spiped/pipes.d/wrong.toml:5:1: ");
    assert_eq!(machine.answer("systemctl is-active spiped"), "active");
    assert_eq!(ping(&machine, 81), "PONG");
    monitor.expect_alive("the-wrong-file-changed-nothing");
    machine.answer("rm /etc/spiped/pipes.d/*.toml && systemctl reload spiped");
    wait::until("the pipe was gone", || ping(&machine, 81) != "PONG");
    monitor.expect_alive("a-pipe-has-gone");
}

#[test]
#[ignore = "soak"]
fn status_is_what_the_manager_shows() {
    let machine = machine();
    both_ends(&machine);
    machine.answer("systemctl start spiped");
    wait_for_redis(&machine, 8000);
    let _monitor = Monitor::start(&machine, 8000, &machine);
    let shown = || machine.answer("systemctl show --property=StatusText --value spiped");
    // At either end of the pipe.
    wait::until("both were counted", || shown().contains("2 pipes, 2 connections"));
    let status = machine.answer("systemctl status spiped");
    assert!(status.contains("Status: \"2 pipes, 2 connections"), "{status}");
}

#[test]
fn stop_drains_within_its_limit() {
    let machine = machine();
    both_ends(&machine);
    machine.answer("sed -i 's/^drain.*/drain = \"1s\"/' /etc/spiped/spiped.toml");
    machine.answer("systemctl start spiped");
    wait_for_redis(&machine, 8000);
    let monitor = Monitor::start(&machine, 8000, &machine);
    machine.answer("systemctl stop spiped");
    monitor.expect_end();
    let result = machine.answer("systemctl show --property=Result --value spiped");
    assert_eq!(result, "success");
    assert!(!machine.journal("spiped").contains("SIGKILL"));
}

#[test]
#[ignore = "soak"]
fn daemon_that_stands_still_is_replaced() {
    let machine = machine();
    both_ends(&machine);
    // What the unit says would take half a minute.
    machine.write("/etc/systemd/system/spiped.service.d/test.conf", "[Service]\nWatchdogSec=2s\n");
    machine.answer("systemctl daemon-reload && systemctl start spiped");
    wait_for_redis(&machine, 8000);
    let main = || machine.answer("systemctl show --property=MainPID --value spiped");
    let first = main();
    machine.answer(&format!("kill -STOP {first}"));
    machine.wait_for_journal("spiped", "Watchdog timeout");
    wait_for_redis(&machine, 8000);
    assert_ne!(main(), first);
}

#[test]
fn missing_file_is_named() {
    let machine = machine();
    machine.sh("systemctl enable --now spiped").expect_failure("Assertion failed on job");
    let status = machine.sh("systemctl status spiped").stdout;
    let status = String::from_utf8(status).unwrap();
    assert!(status.contains("AssertPathExists=/etc/spiped/spiped.toml was not met"), "{status}");
    both_ends(&machine);
    machine.answer("rm /etc/spiped/keys/redis.key");
    machine.sh("systemctl start spiped").expect_failure("spiped.service");
    machine.wait_for_journal("spiped", "/etc/spiped/keys/redis.key: No such file or directory");
}

#[test]
#[ignore = "soak"]
fn unix_source_gets_the_group_that_the_drop_in_allows() {
    let machine = machine();
    both_ends(&machine);
    machine.write(
        "/etc/spiped/pipes.d/socket.toml",
        "[pipe.socket]\nmode = \"encrypt\"\nsource = \"/run/spiped/redis\"\n\
         target = \"[127.0.0.1]:6390\"\nkey = \"/etc/spiped/keys/redis.key\"\n\
         socket-mode = \"0660\"\nsocket-owner = \":redis\"\n",
    );
    let drop_in = commented(&machine, "spiped.service", "SystemCallFilter=lchown");
    machine.write("/etc/systemd/system/spiped.service.d/socket.conf", &drop_in);
    machine.answer("systemctl daemon-reload && systemctl start spiped");
    let mode = machine.answer("stat --format='%a %U %G' /run/spiped/redis");
    assert_eq!(mode, "660 spiped redis");
    wait::until("Redis answered", || {
        machine
            .sh("setpriv --reuid=redis --regid=redis --clear-groups redis-cli \
                    -s /run/spiped/redis ping")
            .stdout
            == b"PONG\n"
    });
}

const LOW: &str = r#"
[pipe.low]
mode = "encrypt"
source = "[127.0.0.1]:81"
target = "db1.example.net:6390"
"#;
