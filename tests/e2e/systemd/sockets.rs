use spiped_tests::Shell;

use super::{both_ends, machine, wait_for_redis};

#[test]
#[ignore = "soak"]
fn sockets_of_the_manager_outlive_the_service() {
    let machine = machine();
    both_ends(&machine);
    let addresses = "[Socket]\nListenStream=127.0.0.1:8000\nListenStream=0.0.0.0:6390\n";
    machine.write("/etc/systemd/system/spiped.socket.d/addresses.conf", addresses);
    machine.answer("systemctl daemon-reload && systemctl enable --now spiped.socket");
    let is_active = || machine.sh("systemctl is-active spiped").stdout == b"active\n";
    assert!(!is_active());
    // The first connection starts it.
    wait_for_redis(&machine, 8000);
    assert!(is_active());
    machine.answer("systemctl reload spiped");
    wait_for_redis(&machine, 8000);
    // None is refused meanwhile.
    let asking =
        machine.spawn("for i in $(seq 200); do redis-cli -p 8000 ping || exit 1; done >&2");
    asking.wait_for_stderr("PONG");
    machine.answer("systemctl restart spiped");
    let mut asking = asking;
    asking.wait().expect_success();
}

#[test]
fn sockets_of_one_pipe_start_it() {
    let machine = machine();
    machine.answer("cd /etc/spiped && spiped keygen one.key");
    machine.write(
        "/etc/spiped/one.env",
        "MODE=-e\nSOURCE=[127.0.0.1]:8000\nTARGET=[127.0.0.1]:6390\n",
    );
    machine.write(
        "/etc/systemd/system/spiped@one.socket.d/address.conf",
        "[Socket]\nListenStream=127.0.0.1:8000\n",
    );
    machine.answer("systemctl daemon-reload && systemctl start spiped@one.socket");
    machine.answer(
        "spiped -d -s '[127.0.0.1]:6390' -t '[127.0.0.1]:6379' -k /etc/spiped/one.key -p /run/far.pid",
    );
    wait_for_redis(&machine, 8000);
    assert_eq!(machine.answer("systemctl is-active spiped@one"), "active");
}
