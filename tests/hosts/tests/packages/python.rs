//! The wheel, as its README says.

use spiped_host_tests::packed;
use spiped_tests::Newcomer;

use crate::{python, run};

#[test]
fn wheel_does_what_its_readme_says() {
    let mut newcomer = Newcomer::reading("host/python/README.md")
        .given(&packed("spiped_pipe-VERSION-py3-none-any.whl"));
    for port in [7000, 8025, 8026] {
        newcomer = newcomer.replacing_port(port);
    }
    for heading in ["Install", "A client", "A server", "Redis", "A blocking socket"] {
        newcomer.does(heading);
    }
    newcomer.has_done_all_but(&[]);
}

/// Streams and sockets, between the package and itself.
#[test]
fn pipe_that_breaks_never_looks_like_one_that_has_ended() {
    run(python("pipes.py")).expect_success();
    run(python("blocking.py")).expect_success();
}

#[test]
fn two_ends_make_a_key() {
    run(python("pairing.py")).expect_success();
}

#[test]
fn component_that_breaks_down_or_lies_ends_its_session_alone() {
    run(python("sandbox.py")).expect_success();
}
