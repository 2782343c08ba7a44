//! A man in the middle, who makes an exchange with each host.

use spiped_core::Side;
use spiped_core::pairing::{HELLO_LEN, VALUE_LEN};
use spiped_tests::{Backend, Conn, Lab};

use super::{ByHand, Pairer, expect_files};

/// Both hosts' users, and the exchanges of the man in the middle.
fn between(lab: &Lab) -> (Pairer, Pairer, ByHand, ByHand) {
    let at = lab.tcp();
    let trap = Backend::manual(lab);
    let here = Pairer::listen(lab, &at, "here", &[]);
    let there = Pairer::connect(lab, trap.endpoint(), "there", &[]);

    let mut to_client = ByHand::new(Side::Server, None, trap.accept());
    to_client.receive(HELLO_LEN);
    to_client.receive(VALUE_LEN);
    let mut to_server = ByHand::new(Side::Client, None, Conn::to(&at));
    to_server.receive(HELLO_LEN);
    (here, there, to_client, to_server)
}

#[test]
fn digits_differ_and_a_no_leaves_no_file() {
    let lab = Lab::new();
    let (mut here, mut there, mut to_client, mut to_server) = between(&lab);
    assert_eq!(here.digits(), to_server.digits());
    assert_eq!(there.digits(), to_client.digits());
    assert_ne!(here.digits(), there.digits());

    // Whatever he says of it.
    to_client.confirm();
    to_server.confirm();
    here.say("no\n");
    there.say("no\n");
    here.expect_failure("there is a man in the middle");
    there.expect_failure("there is a man in the middle");
    expect_files(&lab, &[]);
}

#[test]
fn man_in_the_middle_is_of_no_use_without_the_users() {
    let lab = Lab::new();
    let (mut here, mut there, mut to_client, to_server) = between(&lab);
    here.digits();
    there.digits();
    to_client.confirm();
    drop((to_client, to_server));
    here.expect_failure("it closed the connection");
    there.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

#[test]
fn confirmation_of_another_exchange_is_refused() {
    let lab = Lab::new();
    let (mut here, mut there, mut to_client, mut to_server) = between(&lab);
    here.digits();
    there.digits();
    to_client.conn.send([7; 32]);
    to_server.conn.send([7; 32]);
    here.expect_failure("its confirmation is wrong");
    there.expect_failure("its confirmation is wrong");
    expect_files(&lab, &[]);
}
