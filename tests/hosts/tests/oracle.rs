//! The oracle, an implementation of its own in Python: `tests/hosts/python/`.
//! It plays transcripts like a host: see [`suite`](crate::suite).

use crate::{expect_in_document, python, run};

#[test]
fn agrees_with_the_vectors() {
    run(python("oracle.py")).expect_success();
}

#[test]
fn vectors_are_in_the_document() {
    expect_in_document("vectors.py", include_str!("../../../docs/protocol.md"));
}

/// As they follow from the types of the component.
#[test]
fn layouts_of_the_core_module_are_in_the_document() {
    expect_in_document("core_module.py", include_str!("../../../docs/core-module.md"));
}

/// The same conversations in every run: a difference is no chance event, and
/// more of them, or others, are a matter of running `differential.py` by hand.
#[test]
fn component_does_the_same_1() {
    differ("1");
}

#[test]
fn component_does_the_same_2() {
    differ("2");
}

fn differ(seed: &str) {
    let mut command = python("differential.py");
    command.args(["--seed", seed, "--count", "1500"]);
    let exit = run(command);
    assert_eq!(exit.code(), Some(0), "{}", String::from_utf8_lossy(&exit.stdout));
}
