//! The program that tests of upgrades start in place of the daemon.
//!
//! Also what has cargo build it before any test runs.

use std::process::Command;

#[test]
fn it_is_the_daemon_if_nothing_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_spiped-edition")).arg("-v").output();
    let output = output.expect("it runs");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("spiped "), "{output:?}");
}
