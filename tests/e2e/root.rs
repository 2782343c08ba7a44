//! `-u`: changing user and group.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, chown};
use spiped_tests::{
    Backend, Background, Configured, Conn, Ending, Endpoint, Exit, KEY, Lab, OTHER_KEY, Origin,
    Program, Spiped, pipe, procfs, wait,
};

#[test]
fn user_alone_keeps_the_group() {
    becomes("nobody", NOBODY, 0);
}

#[test]
fn user_and_group() {
    becomes("nobody:nogroup", NOBODY, NOGROUP);
}

#[test]
fn group_alone_keeps_the_user() {
    becomes(":nogroup", 0, NOGROUP);
}

#[test]
fn numbers() {
    becomes("12345:54321", 12345, 54321);
}

#[test]
fn service_works_afterwards() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-u", "nobody"]);
    let server = server.start();
    let client = Spiped::encrypt(&lab, server.source()).args(&["-u", "nobody:nogroup"]);
    client.start().connect().expect_echo(b"unprivileged");
}

#[test]
fn keys_that_only_root_can_read_are_read_again() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-u", "nobody"]).start();
    let former = Spiped::encrypt(&lab, server.source()).key(lab.write_key("copy", KEY)).start();
    // By then it is somebody else.
    former.connect().expect_echo(b"unprivileged");
    lab.write_key("key", OTHER_KEY);
    server.process.signal(Signal::SIGHUP);
    server.process.wait_for_stderr("Keys reloaded");
    let client = Spiped::encrypt(&lab, server.source()).key(lab.other_key()).start();
    client.connect().expect_echo(b"with the new key");
    former.connect().expect_nothing_but(Ending::Reset);
}

/// A process that gives up its rights gets nothing back by an upgrade, and needs to.
#[test]
fn process_that_takes_over_needs_no_key_of_root_and_binds_no_low_port() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let crypt = Endpoint::Tcp("127.0.81.2:81".parse().unwrap());
    let plain = lab.tcp();
    let daemon = Configured::new(&lab);
    let pipes = [
        pipe("in", "encrypt", &plain, &crypt, ""),
        pipe("out", "decrypt", &crypt, backend.endpoint(), "key = \"secret\""),
    ];
    lab.write_key("secret", KEY);
    daemon.write("user = \"nobody\"", &pipes);
    let mut process = daemon.start(&[&plain, &crypt]);
    let mut conn = Conn::to(&plain);
    conn.expect_echo(b"before");
    fs::remove_file(lab.path("secret")).unwrap();
    for _ in 0..2 {
        let said = daemon.run(&["upgrade"]).answer();
        let pid = said.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(procfs::status(pid, "Uid"), [NOBODY; 4], "{said}");
        for set in ["CapPrm", "CapBnd"] {
            assert_eq!(procfs::status(pid, set), [0], "{set}: {said}");
        }
        conn.expect_echo(b"moved");
        Conn::to(&plain).expect_echo(b"new");
    }
    process.wait().expect_success();
    daemon.run(&["reload"]).expect_failure("secret");
}

#[test]
fn reload_binds_a_low_port_and_reads_a_key_of_root_alone() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt) = (lab.tcp(), lab.tcp());
    let low = Endpoint::Tcp("127.0.81.1:81".parse().unwrap());
    let socket = lab.unix("socket");
    let out = pipe("out", "decrypt", &crypt, backend.endpoint(), "");
    let daemon = Configured::new(&lab);
    daemon.write("user = \"nobody\"", &[pipe("in", "encrypt", &plain, &crypt, ""), out.clone()]);
    let process = daemon.start(&[&plain, &crypt]);
    Conn::to(&plain).expect_echo(b"unprivileged");
    assert_eq!(procfs::status(process.pid(), "Uid")[0], NOBODY);
    let new = lab.tcp();
    lab.write_key("new", OTHER_KEY);
    let pipes = [
        pipe("low", "encrypt", &low, &new, "key = \"new\""),
        pipe(
            "file",
            "encrypt",
            &socket,
            &crypt,
            "socket-owner = \"nobody\"\nsocket-mode = \"0600\"",
        ),
        pipe("new", "decrypt", &new, backend.endpoint(), "key = \"new\""),
        out,
    ];
    daemon.write("user = \"nobody\"", &pipes);
    daemon.reload();
    for source in [&low, &socket] {
        Conn::to(source).expect_echo(b"after the reload");
    }
    assert_eq!(fs::metadata(lab.path("socket")).unwrap().uid(), NOBODY);
    assert!(Conn::connect(&plain).is_err());
}

#[test]
fn target_of_another_user_is_reached_by_root_without_a_user_to_become() {
    let lab = Lab::new();
    let socket = lab.unix("socket");
    let _backend = Backend::echo_at(&socket);
    let Endpoint::Unix(path) = &socket else { unreachable!() };
    chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOGROUP))).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let server = Spiped::decrypt(&lab, &socket).start();
    server.process.wait_for_stderr("missing: giving up CAP_DAC_OVERRIDE");
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"as root");
}

#[test]
fn background_daemon_changes_too() {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["-p", "pid", "-u", "nobody:nogroup"]);
    spiped.run().expect_success();
    let daemon = Background::from_pid_file(&lab.path("pid"));
    expect_ids(daemon.pid(), NOBODY, NOGROUP);
}

/// In a container of one file, say.
#[test]
fn numbers_need_no_database_of_users() {
    let lab = Lab::new();
    let script = r#"mount -t tmpfs none /etc && exec "$@""#;
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["-u", "65534:0xfffe"]);
    let server = spiped.under(["unshare", "--mount", "sh", "-c", script, "sh"]).start();
    expect_ids(server.process.pid(), NOBODY, NOGROUP);
}

/// `ssh host spiped ...` and `$(spiped ...)` wait until nobody has their streams.
#[test]
fn daemon_that_logs_to_syslog_lets_go_of_its_standard_streams() {
    let lab = Lab::new();
    fs::create_dir(lab.path("dev")).unwrap();
    let syslog = UnixDatagram::bind(lab.path("dev/log")).unwrap();
    let script = r#"mknod dev/null c 1 3 && mknod dev/urandom c 1 9 &&
        mount --bind dev /dev && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(Program::Spiped.path(Origin::Ours));
    let (source, target) = (lab.tcp().to_string(), lab.tcp().to_string());
    command.args(["-e", "-s", &source, "-t", &target, "-k", "key", "-p", "pid", "--syslog"]);
    command.current_dir(lab.directory());
    let ended = thread::spawn(move || command.output().unwrap());
    wait::until("the streams were at their end", || ended.is_finished());
    let output = ended.join().unwrap();
    assert!(output.status.success(), "{output:?}");

    let daemon = Background::from_pid_file(&lab.path("pid"));
    for number in 0..3 {
        let file = fs::read_link(format!("/proc/{}/fd/{number}", daemon.pid())).unwrap();
        assert_eq!(file.as_os_str(), "/dev/null");
    }
    kill(Pid::from_raw(daemon.pid()), Signal::SIGUSR1).unwrap();
    let mut line = [0; 1024];
    let length = syslog.recv(&mut line).unwrap();
    let line = String::from_utf8_lossy(&line[..length]);
    assert!(line.contains("counters: "), "{line}");
    daemon.terminate();
}

#[test]
fn unknown_user_fails_the_start() {
    start_as("no-such-user").expect_failure("no-such-user");
}

#[test]
fn unknown_group_fails_the_start() {
    start_as("nobody:no-such-group").expect_failure("no-such-group");
}

#[test]
fn empty_parts_fail_the_start() {
    for text in ["", ":", "nobody:", ":nogroup:"] {
        start_as(text).expect_failure("");
    }
}

#[track_caller]
fn becomes(user: &str, uid: u32, gid: u32) {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).args(&["-u", user]);
    let daemon = spiped.start();
    expect_ids(daemon.process.pid(), uid, gid);
}

/// Real, effective, saved and file system ids, and no supplementary groups.
#[track_caller]
fn expect_ids(pid: i32, uid: u32, gid: u32) {
    wait::until(&format!("it had become {uid}:{gid}"), || {
        procfs::status(pid, "Uid") == [uid; 4]
            && procfs::status(pid, "Gid") == [gid; 4]
            && procfs::status(pid, "Groups").is_empty()
    });
}

/// Starts a daemon that is to end up in the background.
fn start_as(user: &str) -> Exit {
    let lab = Lab::new();
    Spiped::encrypt(&lab, &lab.tcp()).args(&["-u", user]).run()
}

const NOBODY: u32 = 65534;
const NOGROUP: u32 = 65534;
