use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spiped_tests::{
    Backend, Configured, Conn, Ending, Exit, KEY, Lab, OTHER_KEY, Process, Program, Spiped, pipe,
    procfs, wait,
};

#[test]
fn nobody_hands_over_to_a_program_that_is_started_by_hand() {
    let lab = Lab::new();
    for variable in ["", "x", "-1", "0", "2", "999", "3000000000"] {
        let mut command = Program::Spiped.ours(&lab, &["-e", "-F", "-s", "@x", "-t", "@y"]);
        command.args(["-k", "key"]).env("SPIPED_HANDOVER", variable);
        let exit = Process::spawn(command).wait();
        assert_eq!(exit.code(), Some(1));
        exit.expect_failure(&format!("SPIPED_HANDOVER={variable} is not the socket of a daemon"));
    }
}

/// What a command line says is all there is to start from.
#[test]
fn daemon_of_a_command_line_goes_on_in_whichever_form() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let socket = lab.abstract_socket("crypt");
    let key = lab.write_key("from-stdin", KEY);
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&socket).key("-").stdin(key);
    let server = server.args(&["--control", "control", "-p", "pid", "-D"]);
    server.run().expect_success();
    let client = Spiped::encrypt(&lab, &socket).source(&lab.unix("plain"));
    let client = client.args(&["-p", "client-pid", "--control", "client", "-j", "-n", "5"]);
    client.run().expect_success();
    fs::remove_file(lab.path("from-stdin")).unwrap();
    let mut conn = Conn::to(client.endpoint());
    for (control, pid_file) in [("control", "pid"), ("client", "client-pid")].repeat(2) {
        let before = pid_in(&lab, pid_file);
        upgrade(&lab, control).expect_success();
        let after = pid_in(&lab, pid_file);
        assert_ne!(before, after);
        wait::until("the process before had ended", || !procfs::is_alive(before));
        conn.expect_echo(b"moved");
        Conn::to(client.endpoint()).expect_echo(b"new");
    }
    for pid_file in ["pid", "client-pid"] {
        let last = pid_in(&lab, pid_file);
        kill(Pid::from_raw(last), Signal::SIGKILL).unwrap();
    }
}

/// With the rights of root, in a directory where others may do what they like.
#[test]
fn pid_file_is_nothing_but_that() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&lab.abstract_socket("crypt"));
    let server = server.args(&["--control", "control", "-p", "pid"]);
    server.run().expect_success();
    let pid = pid_in(&lab, "pid");
    let check = || {
        let words = ["upgrade", "--check", "--control", "control"];
        Process::spawn(Program::Spiped.ours(&lab, &words)).wait()
    };
    let file = lab.path("pid");
    fs::remove_file(&file).unwrap();
    check().expect_success();
    assert!(!file.exists(), "it was only a question");
    let other = lab.write("other", "root:x:0:0:root:/root:/bin/bash\n");
    symlink(&other, &file).unwrap();
    upgrade(&lab, "control").expect_failure("symbolic link");
    fs::remove_file(&file).unwrap();
    fs::rename(&other, &file).unwrap();
    upgrade(&lab, "control").expect_failure("its content is not a process ID");
    assert!(fs::read_to_string(&file).unwrap().starts_with("root:x:"));
    fs::remove_file(&file).unwrap();
    upgrade(&lab, "control").expect_success();
    assert_ne!(pid_in(&lab, "pid"), pid);
    kill(Pid::from_raw(pid_in(&lab, "pid")), Signal::SIGKILL).unwrap();
}

#[test]
fn sources_come_and_go_with_the_settings() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (plain, crypt, metrics) = (lab.tcp(), lab.tcp(), lab.tcp());
    let daemon = Configured::new(&lab);
    let out = pipe("out", "decrypt", &crypt, backend.endpoint(), "");
    let files = |names: &[&str]| {
        let sources: Vec<_> = names.iter().map(|name| format!("{:?}", lab.path(name))).collect();
        let sources = format!("source = [\"{plain}\", {}]", sources.join(", "));
        pipe("in", "encrypt", &plain, &crypt, "")
            .replace(&format!("source = \"{plain}\""), &sources)
    };
    let write = |metrics: &str, names: &[&str]| {
        let process = format!("log-level = \"info\"\nmetrics = \"{metrics}\"");
        daemon.write(&process, &[files(names), out.clone()]);
    };
    write(&lab.unix("metrics").to_string(), &["kept", "gone"]);
    let mut process = daemon.start(&[&plain, &crypt]);
    let mut conns = ["kept", "gone"].map(|name| Conn::to(&lab.unix(name)));
    let inode = |name: &str| fs::metadata(lab.path(name)).unwrap().ino();
    let kept = inode("kept");

    write(&metrics.to_string(), &["kept", "new"]);
    let said = daemon.run(&["upgrade", "--check"]).answer();
    for line in ["pipe in: also listens on", "/new", "gone: no longer listened on"] {
        assert!(said.contains(line), "{said}");
    }
    // It was only a question.
    assert!(!lab.path("new").exists() && lab.path("gone").exists());
    assert!(!procfs::is_listening(&metrics));

    // Nor is anything left of one that comes to nothing.
    let broken = pipe("broken", "encrypt", &lab.unix("broken"), &crypt, "key = \"missing\"");
    daemon.write("", &[files(&["kept", "new"]), out.clone(), broken]);
    daemon.run(&["upgrade"]).expect_failure("missing");
    assert!(!lab.path("new").exists() && !lab.path("broken").exists());

    write(&metrics.to_string(), &["kept", "new"]);
    daemon.run(&["upgrade"]).expect_success();
    process.wait().expect_success();
    for conn in &mut conns {
        conn.expect_echo(b"moved");
    }
    for name in ["kept", "new"] {
        Conn::to(&lab.unix(name)).expect_echo(b"new");
    }
    wait::until("what nobody listens on had gone", || {
        !lab.path("gone").exists() && !lab.path("metrics").exists()
    });
    assert_eq!(inode("kept"), kept);
    assert!(procfs::is_listening(&metrics));
    let log = process.stderr();
    assert_eq!(log.matches("Sandbox: ").count(), 2, "{log}");
    assert_eq!(log.matches("Has taken over from process").count(), 1, "{log}");
    assert_eq!(log.matches("Upgrade failed, this process continues: ").count(), 1, "{log}");
}

/// Keys that are read from elsewhere are exchanged as by a reload.
#[test]
fn keys_from_elsewhere_take_the_place_of_those_in_use() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Configured::new(&lab);
    let crypt = lab.tcp();
    lab.write_key("other", OTHER_KEY);
    let keys = |keys: &str| {
        let keys = format!("key = {{ {keys} }}");
        server.write("", &[pipe("out", "decrypt", &crypt, backend.endpoint(), &keys)]);
    };
    keys("alice = \"key\", bob = \"other\"");
    let _process = server.start(&[&crypt]);
    let alice = Spiped::encrypt(&lab, &crypt).start();
    let bob = Spiped::encrypt(&lab, &crypt).key(lab.path("other")).start();
    let mut conns = [&alice, &bob].map(|client| client.connect());
    for conn in &mut conns {
        conn.expect_echo(b"before");
    }
    keys("bob = \"other\"");
    let said = server.run(&["upgrade"]).answer();
    assert!(said.contains("pipe out: keys: 1 in use; removed: alice"), "{said}");
    for conn in &mut conns {
        conn.expect_echo(b"moved");
    }
    bob.connect().expect_echo(b"still welcome");
    alice.connect().expect_nothing_but(Ending::Reset);
    let listed = server.run(&["list"]).answer();
    assert!(listed.contains("alice") && listed.contains("bob"), "{listed}");
    // Once more, with a key that is only its connection's.
    server.run(&["upgrade"]).expect_success();
    for conn in &mut conns {
        conn.expect_echo(b"moved");
    }
}

/// The process that the file names, whatever it was before.
#[track_caller]
fn pid_in(lab: &Lab, file: &str) -> i32 {
    let text = fs::read_to_string(lab.path(file)).unwrap();
    text.trim_end_matches('\n').parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[track_caller]
fn upgrade(lab: &Lab, control: &str) -> Exit {
    let command = Program::Spiped.ours(lab, &["upgrade", "--control", control]);
    Process::spawn(command).wait()
}

/// Connections that have moved still count where they were: both processes together have
/// no more than one may have.
#[test]
fn limit_on_connections_holds_while_one_process_follows_the_other() {
    const LIMIT: usize = 10;
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let crypt = lab.tcp();
    let server = Spiped::decrypt(&lab, backend.endpoint()).source(&crypt).start();
    let limit = LIMIT.to_string();
    let args = ["--control", "client", "-p", "client-pid", "-n", &limit];
    let client = Spiped::encrypt(&lab, &crypt).args(&args);
    client.run().expect_success();
    let mut served: Vec<_> = (0..LIMIT).map(|_| Conn::to(client.endpoint())).collect();
    for conn in &mut served {
        conn.expect_echo(b"served");
    }
    let mut waiting: Vec<_> = (0..LIMIT).map(|_| Conn::to(client.endpoint())).collect();
    for _ in 0..2 {
        let before = pid_in(&lab, "client-pid");
        let said = upgrade(&lab, "client").answer();
        assert!(said.contains("has taken over; 10 connections moved"), "{said}");
        wait::until("the process before had ended", || !procfs::is_alive(before));
        for conn in served.iter_mut().rev() {
            conn.expect_echo(b"still served");
        }
        let exit = Program::Spiped.ours(&lab, &["list", "--control", "client", "--json"]);
        let listed = Process::spawn(exit).wait().answer();
        assert_eq!(listed.lines().count(), LIMIT, "{listed}");
    }
    drop(served);
    for conn in &mut waiting {
        conn.expect_echo(b"served at last");
    }
    kill(Pid::from_raw(pid_in(&lab, "client-pid")), Signal::SIGKILL).unwrap();
    drop(server);
}
