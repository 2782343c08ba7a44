//! Descriptors 0 to 2 that are closed.

use spiped_tests::{Backend, Lab, Spiped};

#[test]
fn closed_standard_streams_are_no_obstacle() {
    works_under(r#"exec "$@" <&- >&- 2>&-"#);
}

#[test]
fn closed_standard_streams_are_no_obstacle_without_dev_null() {
    works_under(r#"mount -t tmpfs none /dev && exec "$@" <&- >&- 2>&-"#);
}

#[track_caller]
fn works_under(script: &str) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let wrapper = ["unshare", "--mount", "sh", "-c", script, "sh"];
    let server = Spiped::decrypt(&lab, backend.endpoint()).under(wrapper).start();
    let client = Spiped::encrypt(&lab, server.source()).under(wrapper).start();
    client.connect().expect_echo(b"nowhere to write to");
}
