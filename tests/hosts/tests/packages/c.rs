//! The host in C, as its README says.

use std::path::PathBuf;

use spiped_host_tests::target;
use spiped_tests::Newcomer;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn client_does_what_the_readme_says() {
    // What is to be got was got for the tests: to get it again is a matter of the network.
    let setup = "/path/to/the/checkout/host/c/setup.sh wasmtime";
    let mut newcomer = Newcomer::reading("host/c/README.md")
        .replacing(setup, &format!("cp -R {} wasmtime", wasmtime().display()))
        .replacing("/path/to/the/checkout", ROOT)
        .replacing_port(7000)
        .replacing_port(8025);
    newcomer.does("Get it");
    newcomer.does("Try it");
    newcomer.has_done_all_but(&[]);
}

fn wasmtime() -> PathBuf {
    let wasmtime = target("hosts/c");
    assert!(wasmtime.join("version").is_file(), "run tests/hosts/c/setup.sh");
    wasmtime
}
