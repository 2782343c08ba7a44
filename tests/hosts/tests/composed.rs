//! The component inside another one: wherever that runs, so does ours.

use spiped_host_tests::composed;
use spiped_tests::payload::bytes;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

#[test]
fn composition_imports_nothing() {
    let engine = Engine::default();
    let component = Component::from_file(&engine, composed()).unwrap();
    let component = component.component_type();
    assert_eq!(component.imports(&engine).count(), 0);
    let exports = component.exports(&engine).map(|(name, _)| name.to_owned());
    assert_eq!(exports.collect::<Vec<_>>(), ["self-test"]);
}

#[test]
fn client_and_server_inside_talk() {
    for size in [0, 1, 1024, 100_000] {
        let message = bytes(1, size);
        assert_eq!(self_test(&[7; 32], &message), Ok(message));
    }
}

#[test]
fn failure_comes_out() {
    let failure = self_test(&[7; 31], b"message").unwrap_err();
    assert!(failure.contains("psk-length"), "{failure}");
}

fn self_test(psk: &[u8], message: &[u8]) -> Result<Vec<u8>, String> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, composed()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
    let function = instance
        .get_typed_func::<(&[u8], &[u8]), (Result<Vec<u8>, String>,)>(&mut store, "self-test")
        .unwrap();
    function.call(&mut store, (psk, message)).unwrap().0
}

/// With `tests/hosts/node/setup.sh`.
mod in_node {
    use std::process::Command;

    use spiped_host_tests::{composed, target};
    use spiped_tests::Process;

    #[test]
    fn client_and_server_inside_talk() {
        let composed = composed();
        let directory = tempfile::tempdir().unwrap();
        let mut jco = Command::new(target("hosts/node/node_modules/.bin/jco"));
        jco.arg("transpile").arg(&composed).arg("--quiet").args(["--name", "composed", "-o"]);
        Process::spawn({
            jco.arg(directory.path());
            jco
        })
        .wait()
        .expect_success();
        let mut node = Command::new("node");
        node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/composed/run.mjs"));
        node.arg(directory.path().join("composed.js"));
        Process::spawn(node).wait().expect_success();
    }
}

/// With `tests/hosts/python/setup.sh`.
mod in_python {
    use std::process::Command;

    use spiped_host_tests::{composed, target};
    use spiped_tests::Process;

    #[test]
    fn client_and_server_inside_talk() {
        let mut python = Command::new(target("hosts/python/bin/python"));
        python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/composed/run.py")).arg(composed());
        Process::spawn(python).wait().expect_success();
    }
}
