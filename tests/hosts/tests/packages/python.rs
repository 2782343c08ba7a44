//! The wheel, as its README says.

use spiped_host_tests::packed;
use spiped_tests::Newcomer;

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
