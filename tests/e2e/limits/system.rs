//! Limits that the system sets: on files, memory and descriptors. The daemon
//! runs under them and says what there is room for, or says what it lacks.

use nix::libc;
use spiped_tests::{Backend, Conn, Daemon, Lab, Spiped, payload, wait};

#[test]
fn no_file_need_be_writable() {
    works_under(&["prlimit", "--fsize=0"]);
}

#[test]
fn no_memory_becomes_executable() {
    let call = format!("syscall({}, 65, 1, 0, 0, 0) == 0 or die; exec @ARGV", libc::SYS_prctl);
    works_under(&["perl", "-e", &call]);
}

#[test]
fn room_that_little_address_space_leaves_can_be_used() {
    for mebibytes in [64, 96, 192] {
        let limit = format!("--as={}", mebibytes << 20);
        all_connections_work_under(&["prlimit", &limit]);
    }
}

#[test]
fn too_little_address_space_is_an_error_that_tells_the_need() {
    let lab = Lab::new();
    let limit = format!("--as={}", 32 << 20);
    let exit = Spiped::decrypt(&lab, &lab.tcp()).under(["prlimit", &limit]).args(&["-F"]).run();
    exit.expect_failure("KiB of memory for connections");
}

#[test]
fn memory_option_bounds_the_connections() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&INFO).args(&["--memory", "16M"]);
    let server = server.start();
    let possible = room(&server);
    assert!(possible < 32, "{possible}");
    server.process.wait_for_stderr("--memory allows no more");
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"within the bound");
    let little = Spiped::decrypt(&lab, &lab.tcp()).args(&["-F", "--memory", "1M"]).run();
    little.expect_failure("raise the limit on memory");
}

#[test]
fn few_descriptors_are_enough_or_an_error_and_never_a_panic() {
    for limit in 4..=24 {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let limit = format!("--nofile={limit}:{limit}");
        let spiped =
            Spiped::decrypt(&lab, backend.endpoint()).args(&INFO).under(["prlimit", &limit]);
        let mut process = spiped.spawn();
        let source = spiped.endpoint();
        wait::until(&format!("it listened or ended, with {limit}"), || {
            process.stderr().contains("Room for connections") || !process.is_running()
        });
        if process.is_running() {
            let client = Spiped::encrypt(&lab, source).start();
            client.connect().expect_echo(b"with few descriptors");
        } else {
            let exit = process.wait();
            assert_eq!(exit.code(), Some(1), "{limit}: {exit:?}");
            assert!(!exit.stderr.contains("panic"), "{limit}: {exit:?}");
            let reasons = ["open files", "Too many open files"];
            assert!(reasons.iter().any(|reason| exit.stderr.contains(reason)), "{exit:?}");
        }
    }
}

#[test]
fn connections_that_descriptors_are_too_few_for_wait() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let client = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, client.source()).under(["prlimit", "--nofile=48:48"]);
    let client = client.args(&INFO).start();
    client.process.wait_for_stderr("the limit on open files allows no more");
    let possible = room(&client);
    let mut conns: Vec<_> = (0..possible).map(|_| client.connect()).collect();
    for conn in &mut conns {
        conn.expect_echo(b"all at once");
    }
    let mut waiting = client.connect();
    waiting.send(b"later");
    client.process.wait_for_stderr(&format!("Maximum number of connections ({possible}) reached"));
    drop(conns);
    assert_eq!(waiting.receive(5), b"later");
    assert!(!client.process.stderr().contains("Too many open files"));
}

#[test]
fn soft_limit_is_raised_to_the_need() {
    let lab = Lab::new();
    let client = Spiped::encrypt(&lab, &lab.tcp()).under(["prlimit", "--nofile=32:4096"]);
    let client = client.args(&INFO).start();
    assert_eq!(room(&client), 100);
}

/// Both ends, and `spipe`'s end of it, too.
#[track_caller]
fn works_under(wrapper: &[&str]) {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let wrapper = || wrapper.iter().copied();
    let server = Spiped::decrypt(&lab, backend.endpoint()).under(wrapper()).start();
    let client = Spiped::encrypt(&lab, server.source()).under(wrapper()).start();
    client.connect().expect_echo(b"as ever");
}

/// As many as both ends say that there is room for, each with a lot to carry.
#[track_caller]
fn all_connections_work_under(wrapper: &[&str]) {
    const LEN: usize = 1 << 20;
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let limited = |spiped: Spiped| spiped.args(&INFO).under(wrapper.iter().copied()).start();
    let mut server = limited(Spiped::decrypt(&lab, backend.endpoint()));
    let mut client = limited(Spiped::encrypt(&lab, server.source()));
    let possible = room(&server).min(room(&client));
    assert!(possible > 0);
    let conns: Vec<_> = (0..possible).map(|_| client.connect()).collect();
    let transfers: Vec<_> = (1..).zip(conns).map(|(seed, conn)| start(seed, conn, LEN)).collect();
    for transfer in transfers {
        transfer.join().unwrap();
    }
    assert!(server.process.is_running() && client.process.is_running());
}

/// Sends so many bytes and checks that they come back.
fn start(seed: u64, mut conn: Conn, len: usize) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let bytes = payload::bytes(seed, len);
        for chunk in bytes.chunks(64 << 10) {
            conn.send(chunk);
            assert!(conn.receive(chunk.len()) == chunk);
        }
    })
}

const INFO: [&str; 2] = ["--log-level", "info"];

/// How many connections the daemon says there can be.
#[track_caller]
fn room(daemon: &Daemon) -> usize {
    const WORDS: &str = "Room for connections: ";
    daemon.process.wait_for_stderr(WORDS);
    let said = daemon.process.stderr();
    let (_, rest) = said.split_once(WORDS).unwrap();
    rest.split(',').next().unwrap().parse().unwrap()
}
