//! The client between standard input and output.

use std::io::{Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::SIGPIPE;
use nix::sys::signal::Signal;
use spiped_tests::exchange::lone_client::Reader;
use spiped_tests::exchange::{lone_client, lone_client_tests, truncation_tests_of_client};
use spiped_tests::payload::bytes;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Daemon, Ending, KEY, Lab, OTHER_KEY, Origin, Spipe, Spiped, wait};

lone_client_tests!(Origin::Ours);
truncation_tests_of_client!(Origin::Ours);

#[test]
fn file_through_standard_input_comes_back() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let content = bytes(1, 1_000_000);
    let exit = Spipe::to(&lab, server.source()).run_on(&lab.write("input", &content));
    exit.expect_success();
    assert!(exit.stdout == content, "{} bytes came", exit.stdout.len());
    assert_eq!(exit.stderr, "");
}

#[test]
fn late_reply_after_the_end_of_input_arrives_whole() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    spipe.stdin.write_all(b"request").unwrap();
    drop(spipe.stdin);
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"request");
    assert!(spipe.process.is_running());
    let reply = bytes(2, 3_000_000);
    let expected = reply.clone();
    let sender = std::thread::spawn(move || target.send(reply));
    let mut received = Vec::new();
    spipe.stdout.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(received == expected, "{} bytes came", received.len());
    spipe.process.wait().expect_success();
}

#[test]
fn missing_unix_socket_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.unix("nobody-here")).start();
    let exit = spipe.process.wait();
    exit.expect_failure("No such file or directory");
}

#[test]
fn unresolvable_target_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &"nonexistent.invalid:1").start();
    let exit = spipe.process.wait();
    exit.expect_failure("Error looking up nonexistent.invalid");
}

#[test]
fn missing_key_file_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.tcp()).key("missing").start();
    let exit = spipe.process.wait();
    exit.expect_failure("Cannot open file: missing: No such file or directory");
}

#[test]
fn server_with_another_key_is_reported() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Spipe::to(&lab, backend.endpoint()).start();
    let mut impostor = Handshake::begin(backend.accept(), Side::Server, OTHER_KEY);
    let share = impostor.public_value();
    impostor.send(&share);
    spipe.process.wait().expect_failure("wrong key");
}

#[test]
fn server_that_hangs_up_in_the_handshake_is_reported() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let spipe = Spipe::to(&lab, server.source()).key(lab.other_key());
    spipe.start().process.wait().expect_failure("handshake");
}

#[test]
fn server_without_forward_secrecy_is_reported() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-f"]);
    let server = server.start();
    let spipe = Spipe::to(&lab, server.source()).args(&["-g"]);
    spipe.start().process.wait().expect_failure("forward secrecy");
}

/// protocol.md F-1.
#[test]
fn bytes_before_a_forged_packet_arrive_at_a_late_reader() {
    lone_client::forged_packet_after_good_ones(Origin::Ours, Reader::IsLate);
}

#[test]
fn bytes_before_a_forged_packet_arrive_every_time() {
    forged_packets_after_good_ones(20);
}

#[test]
#[ignore = "soak"]
fn bytes_before_a_forged_packet_always_arrive() {
    forged_packets_after_good_ones(1000);
}

fn forged_packets_after_good_ones(rounds: usize) {
    for _ in 0..rounds {
        lone_client::forged_packet_after_good_ones(Origin::Ours, Reader::Waits);
    }
}

/// Whoever ignores SIGPIPE wants to be told, not to see its child killed.
#[test]
fn closed_standard_output_is_an_error_where_sigpipe_is_ignored() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let spipe = Spipe::to(&lab, server.source()).under(["env", "--ignore-signal=PIPE"]);
    let mut spipe = spipe.start();
    let mut target = backend.accept();
    drop(spipe.stdout);
    wait::until("it noticed", || {
        target.try_send(b"nobody reads this");
        !spipe.process.is_running()
    });
    spipe.process.wait().expect_failure("Broken pipe");
}

#[test]
fn missing_standard_output_is_an_error() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let spipe = Spipe::to(&lab, server.source()).under(["sh", "-c", "exec \"$@\" >&-", "sh"]);
    spipe.start().process.wait().expect_failure("Standard output is closed");
    assert_eq!(backend.accepted(), 0);
}

/// They may be shared with other processes: whatever mode they are in, they
/// work, and stay in it.
#[test]
fn streams_may_be_non_blocking_or_not() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    for non_blocking in [true, false] {
        let (stdin, mut writer) = pipe().unwrap();
        let (mut reader, stdout) = pipe().unwrap();
        let flags = |descriptor: BorrowedFd<'_>| {
            OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL).unwrap())
        };
        for descriptor in [stdin.as_fd(), stdout.as_fd()] {
            let mut wanted = flags(descriptor);
            wanted.set(OFlag::O_NONBLOCK, non_blocking);
            fcntl(descriptor, FcntlArg::F_SETFL(wanted)).unwrap();
        }
        let same = [stdin.try_clone().unwrap().into(), stdout.try_clone().unwrap().into()];
        let mut process =
            Spipe::to(&lab, server.source()).start_between(stdin.into(), stdout.into());
        writer.write_all(b"a little").unwrap();
        reader.read_exact(&mut [0; 8]).unwrap();
        for descriptor in &same as &[OwnedFd] {
            assert_eq!(flags(descriptor.as_fd()).contains(OFlag::O_NONBLOCK), non_blocking);
        }
        drop(same);
        let data = bytes(4, 3_000_000);
        let sent = data.clone();
        let sender = std::thread::spawn(move || writer.write_all(&sent));
        // So that its output is full for a while.
        wait::observe(Duration::from_millis(300));
        let mut received = Vec::new();
        reader.read_to_end(&mut received).unwrap();
        sender.join().unwrap().unwrap();
        assert!(received == data, "{} bytes came", received.len());
        process.wait().expect_success();
    }
}

#[test]
fn sigterm_is_a_reset_to_the_target_after_what_was_sent() {
    let lab = Lab::new();
    let backend = Backend::narrow(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    let mut target = backend.accept();
    let data = bytes(5, 100_000);
    spipe.stdin.write_all(&data).unwrap();
    // The last of it is still in the pipe: no more than that can be.
    target.receive(data.len() - 65_536);
    spipe.process.signal(Signal::SIGTERM);
    spipe.process.wait().expect_success();
    let (rest, ending) = target.receive_to_end();
    assert!(data.ends_with(&rest) || data[data.len() - 65_536..].starts_with(&rest));
    assert_eq!(ending, Ending::Reset);
}

#[test]
fn closed_standard_output_kills_with_sigpipe() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    let mut target = backend.accept();
    drop(spipe.stdout);
    wait::until("it noticed", || {
        target.try_send(b"nobody reads this");
        !spipe.process.is_running()
    });
    assert_eq!(spipe.process.wait().signal(), Some(SIGPIPE));
}

#[test]
fn sigterm_ends_with_success() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    spipe.stdin.write_all(b"x").unwrap();
    spipe.stdout.read_exact(&mut [0]).unwrap();
    spipe.process.signal(Signal::SIGTERM);
    spipe.process.wait().expect_success();
}

#[test]
fn sighup_and_sigusr1_kill() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    for signal in [Signal::SIGHUP, Signal::SIGUSR1] {
        let mut spipe = Spipe::to(&lab, server.source()).start();
        spipe.stdin.write_all(b"x").unwrap();
        spipe.stdout.read_exact(&mut [0]).unwrap();
        spipe.process.signal(signal);
        assert_eq!(spipe.process.wait().signal(), Some(signal as i32));
    }
}

#[test]
fn reset_by_the_target_fails() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    backend.accept().reset();
    spipe.process.wait().expect_failure("");
}

#[test]
fn key_from_standard_input_leaves_nothing_to_send() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).key("-").start();
    spipe.stdin.write_all(KEY).unwrap();
    drop(spipe.stdin);
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"");
    target.send(b"received all the same");
    drop(target);
    let mut received = Vec::new();
    spipe.stdout.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"received all the same");
    spipe.process.wait().expect_success();
}

#[test]
fn end_of_the_target_leaves_the_input_open() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    let mut target = backend.accept();
    target.send(b"x");
    target.half_close();
    spipe.stdout.read_exact(&mut [0]).unwrap();
    spipe.stdin.write_all(b"late").unwrap();
    assert_eq!(target.receive(4), b"late");
    drop(spipe.stdin);
    target.expect_nothing_but(Ending::Closed);
    spipe.process.wait().expect_success();
}

#[test]
fn one_socket_may_be_both_streams_and_shows_the_end_of_the_target() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let (mut process, mut conn) = Spipe::to(&lab, server.source()).start_on_socket();
    let mut target = backend.accept();
    conn.send(b"request");
    assert_eq!(target.receive(7), b"request");
    target.send(b"reply");
    target.half_close();
    assert_eq!(conn.receive_all(), b"reply");
    conn.send(b"late");
    conn.half_close();
    assert_eq!(target.receive_all(), b"late");
    process.wait().expect_success();
}

#[track_caller]
fn server(lab: &Lab, backend: &Backend) -> Daemon {
    Spiped::decrypt(lab, backend.endpoint()).start()
}
