//! The component in Python with Debian's programs.

use std::io;

use spiped_tests::payload::{Transfer, bytes};
use spiped_tests::{Backend, Daemon, Endpoint, Lab, Link, Origin, RunningSpipe, Spipe, Spiped};

use crate::python::{Server, client, client_with};

mod client_of_their_d {
    use super::*;

    #[test]
    fn messages_come_back() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        small(connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn bulk_comes_back() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        bulk(connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn late_reply_to_a_half_closed_request_arrives() {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        late_reply(&backend, connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn forward_secrecy_is_omitted_or_required() {
        for (ours, theirs) in [("-f", None), ("-f", Some("-f")), ("-g", None), ("-g", Some("-g"))] {
            let lab = Lab::new();
            let backend = Backend::echo(&lab);
            let theirs = Vec::from_iter(theirs);
            small(connect(&lab, &[ours], backend.endpoint(), &theirs));
        }
    }

    #[test]
    fn server_without_forward_secrecy_is_refused() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let daemon = their_d(&lab, backend.endpoint(), &["-f"]);
        let mut spipe = RunningSpipe::start(client(&lab, daemon.source(), &["-g"]));
        spipe.process.wait().expect_failure("the peer omits forward secrecy");
    }

    #[test]
    fn refusal_of_a_client_without_forward_secrecy_is_reported() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let daemon = their_d(&lab, backend.endpoint(), &["-g"]);
        let mut spipe = RunningSpipe::start(client(&lab, daemon.source(), &["-f"]));
        spipe.process.wait().expect_failure("hung up in the handshake");
    }

    #[test]
    fn wrong_key_is_reported() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let daemon = their_d(&lab, backend.endpoint(), &[]);
        let command = client_with(&lab, &lab.other_key(), daemon.source(), &[]);
        let mut spipe = RunningSpipe::start(command);
        spipe.process.wait().expect_failure("hung up in the handshake");
    }

    fn connect(lab: &Lab, args: &[&str], target: &Endpoint, their_args: &[&str]) -> Open {
        let daemon = their_d(lab, target, their_args);
        let link = RunningSpipe::start(client(lab, daemon.source(), args)).into_link();
        Open { link, daemon, server: None }
    }

    fn their_d(lab: &Lab, target: &Endpoint, args: &[&str]) -> Daemon {
        Spiped::decrypt(lab, target).of(Origin::Debian).args(args).start()
    }
}

mod server_of_their_e {
    use super::*;

    #[test]
    fn messages_come_back() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        small(connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn bulk_comes_back() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        bulk(connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn late_reply_to_a_half_closed_request_arrives() {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        late_reply(&backend, connect(&lab, &[], backend.endpoint(), &[]));
    }

    #[test]
    fn forward_secrecy_is_omitted_or_required() {
        for (ours, theirs) in [("-f", None), ("-f", Some("-f")), ("-g", None), ("-g", Some("-g"))] {
            let lab = Lab::new();
            let backend = Backend::echo(&lab);
            let theirs = Vec::from_iter(theirs);
            small(connect(&lab, &[ours], backend.endpoint(), &theirs));
        }
    }

    #[test]
    fn client_without_forward_secrecy_is_refused() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Server::start(&lab, backend.endpoint(), &["-g"]);
        let their_e = Spiped::encrypt(&lab, &server.source).of(Origin::Debian).args(&["-f"]);
        their_e.start().connect().expect_end_without_data();
        server.process.wait_for_stderr("the peer omits forward secrecy");
        assert_eq!(backend.accepted(), 0);
    }

    #[test]
    fn wrong_key_is_refused() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Server::start(&lab, backend.endpoint(), &[]);
        let their_e = Spiped::encrypt(&lab, &server.source).of(Origin::Debian);
        their_e.key(lab.other_key()).start().connect().expect_end_without_data();
        server.process.wait_for_stderr("does not have our key");
        assert_eq!(backend.accepted(), 0);
    }

    #[test]
    fn clients_with_several_keys_are_served() {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let other = lab.other_key();
        let server = Server::start(&lab, backend.endpoint(), &["-k", other.to_str().unwrap()]);
        for key in [lab.key(), other] {
            let their_spipe = Spipe::to(&lab, &server.source).of(Origin::Debian).key(key);
            let mut link = their_spipe.start().into_link();
            link.expect_echo(b"hello");
            assert_eq!(link.finish(), b"");
        }
    }

    fn connect(lab: &Lab, args: &[&str], target: &Endpoint, their_args: &[&str]) -> Open {
        let server = Server::start(lab, target, args);
        let their_e = Spiped::encrypt(lab, &server.source).of(Origin::Debian);
        let daemon = their_e.args(their_args).start();
        Open { link: daemon.connect().into_link(), daemon, server: Some(server) }
    }
}

/// A connection to the target, and what it goes through.
struct Open {
    link: Link,
    daemon: Daemon,
    server: Option<Server>,
}

fn small(mut open: Open) {
    for size in [1, 1023, 1024, 1025] {
        open.link.expect_echo(bytes(1, size));
    }
    assert_eq!(open.link.finish(), b"");
    drop((open.daemon, open.server));
}

fn bulk(open: Open) {
    let Link { reader, writer, child } = open.link;
    Transfer::start(writer, reader, 64 << 10).check();
    if let Some(mut child) = child {
        child.wait().expect_success();
    }
    drop((open.daemon, open.server));
}

/// The target answers only after it has seen the end of the request.
fn late_reply(backend: &Backend, mut open: Open) {
    open.link.send(b"request");
    drop(std::mem::replace(&mut open.link.writer, Box::new(io::sink())));
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"request");
    let reply = bytes(1, 10_000);
    target.send(&reply);
    drop(target);
    assert_eq!(open.link.finish(), reply);
    drop((open.daemon, open.server));
}
