//! What the programs give up once they have started, and the helper process that
//! does not.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::slice;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spiped_tests::{
    Backend, Background, Configured, Conn, Daemon, Lab, OTHER_KEY, Pair, Spipe, Spiped, pipe,
    procfs, wait,
};

const LANDLOCK: &str = "landlock_create_ruleset,landlock_add_rule,landlock_restrict_self";

#[test]
fn daemon_keeps_no_rights_on_either_side() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let mut pair = Pair::ours(&lab, backend.endpoint());
    pair.connect().expect_echo(b"from inside");
    for process in [pair.server.process.pid(), pair.client().process.pid()] {
        expect_no_rights(process);
    }
}

#[test]
fn spipe_keeps_no_rights() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let spipe = Spipe::to(&lab, server.source()).start();
    let pid = spipe.process.pid();
    let mut link = spipe.into_link();
    link.expect_echo(b"from inside");
    expect_no_rights(pid);
    link.finish();
}

/// Its user may not either, so that a process that was taken over learns nothing
/// of the helper.
#[test]
fn nobody_but_root_can_trace_daemon_and_helper_and_there_are_no_core_files() {
    let lab = Lab::new();
    let daemon = Spiped::decrypt(&lab, &lab.tcp()).args(&["-u", "nobody"]).start();
    let pid = daemon.process.pid();
    for process in [pid, helper(pid)] {
        // The kernel gives these files to root if the process may not be dumped.
        let memory = fs::metadata(format!("/proc/{process}/mem")).unwrap();
        assert_eq!(memory.uid(), 0);
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
        let cores: Vec<_> = cores.unwrap().split_whitespace().collect();
        assert_eq!(cores, ["0", "0", "bytes"]);
    }
    assert_ne!(procfs::status(pid, "Uid")[0], 0);
}

#[test]
fn one_line_says_what_is_active() {
    let lab = Lab::new();
    let daemon = Spiped::encrypt(&lab, &lab.tcp()).args(&["--log-level", "info"]).start();
    daemon.process.wait_for_stderr(
        "Sandbox: no new privileges, no capabilities, no dumps, \
         Landlock (files, TCP ports, signals), seccomp\n",
    );
    let spipe = Spipe::to(&lab, &Backend::manual(&lab).endpoint());
    let spipe = spipe.args(&["--log-level", "info"]).start();
    spipe.process.wait_for_stderr("Sandbox: no new privileges, ");
}

#[test]
fn older_kernel_leaves_the_rest_and_a_warning() {
    for (missing, words) in [
        (LANDLOCK, "no dumps, seccomp; missing: Landlock (not in this kernel)"),
        ("seccomp", "Landlock (files, TCP ports, signals); missing: seccomp (Function not"),
    ] {
        let lab = Lab::new();
        let backend = Backend::echo(&lab);
        let server = Spiped::decrypt(&lab, backend.endpoint()).under(without(missing)).start();
        server.process.wait_for_stderr(words);
        let client = Spiped::encrypt(&lab, server.source()).under(without(missing)).start();
        client.connect().expect_echo(b"less guarded");
        server.process.signal(Signal::SIGHUP);
        server.process.wait_for_stderr("Keys reloaded");
    }
}

#[test]
fn strict_start_fails_with_less_than_all() {
    for (missing, words) in [(LANDLOCK, "Landlock"), ("seccomp", "seccomp")] {
        let lab = Lab::new();
        let strict = Spiped::encrypt(&lab, &lab.tcp()).args(&["--strict"]);
        let mut failed = strict.clone().under(without(missing)).spawn();
        failed.wait().expect_failure(&format!("--strict: the sandbox lacks {words} ("));
        let spipe = Spipe::to(&lab, &Backend::manual(&lab).endpoint()).args(&["--strict"]);
        let mut failed = spipe.under(without(missing)).start().process;
        failed.wait().expect_failure(&format!("--strict: the sandbox lacks {words} ("));
        strict.start();
    }
}

#[test]
fn both_programs_live_with_what_the_unit_allows() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let confined = || confined_by("spiped@.service");
    let strict = ["--strict", "--log-level", "info", "-r", "1"];
    // A name, so that it is looked up again.
    let target = format!("localhost:{}", backend.endpoint().port());
    let server = Spiped::decrypt(&lab, &target).args(&strict).under(confined()).start();
    let client = Spiped::encrypt(&lab, server.source()).args(&strict).under(confined()).start();
    let mut conn = client.connect();
    conn.expect_echo(b"before");
    for daemon in [&server, &client] {
        daemon.process.signal(Signal::SIGHUP);
        daemon.process.wait_for_stderr("Keys reloaded");
    }
    conn.expect_echo(b"after");
    let spipe = Spipe::to(&lab, server.source()).args(&["--strict"]).under(confined()).start();
    let mut link = spipe.into_link();
    link.expect_echo(b"and this one");
    link.finish();
    drop(conn);
    for mut daemon in [server, client] {
        let log = daemon.process.stderr();
        assert!(!log.contains("not permitted") && !log.contains("looking up"), "{log}");
        daemon.process.signal(Signal::SIGTERM);
        daemon.process.wait().expect_success();
    }
}

#[test]
fn many_pipes_live_and_reload_with_what_their_unit_allows() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (server, client, metrics) = (lab.tcp(), lab.tcp(), lab.tcp());
    let configured = Configured::new(&lab).under(confined_by("spiped.service"));
    let process = format!("strict = true\ndrain = \"5s\"\nmetrics = \"{metrics}\"");
    let decrypt = pipe("server", "decrypt", &server, backend.endpoint(), "");
    configured.write(&process, slice::from_ref(&decrypt));
    let mut daemon = configured.start(&[&server, &metrics]);
    // A name, so that it is looked up.
    let target = format!("localhost:{}", server.port());
    let encrypt = pipe("client", "encrypt", &client, &target, "resolve-period = \"1s\"");
    configured.write(&process, &[decrypt, encrypt]);
    configured.reload();
    Conn::connect(&client).unwrap().expect_echo(b"by a new pipe");
    configured.run(&["status"]).expect_success();
    let log = daemon.stderr();
    assert!(!log.contains("not permitted") && !log.contains("looking up"), "{log}");
    daemon.signal(Signal::SIGTERM);
    daemon.wait().expect_success();
}

#[test]
fn helper_ends_with_the_daemon_however_that_ends() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT] {
        for user in [&[][..], &["-u", "nobody:nogroup"]] {
            let lab = Lab::new();
            let mut daemon = Spiped::encrypt(&lab, &lab.tcp()).args(user).start();
            let helper = helper(daemon.process.pid());
            daemon.process.signal(signal);
            daemon.process.wait();
            wait::until("the helper ended", || !procfs::is_alive(helper));
        }
    }
}

#[test]
fn helper_stays_while_the_daemon_does() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let helper = helper(server.process.pid());
    // What a terminal or a service manager sends to all processes.
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
        kill(Pid::from_raw(helper), signal).unwrap();
    }
    server.process.signal(Signal::SIGHUP);
    server.process.wait_for_stderr("Keys reloaded");
    assert_eq!(helper, self::helper(server.process.pid()));
}

#[test]
fn helper_of_a_daemon_in_the_background_ends_with_it() {
    let lab = Lab::new();
    Spiped::encrypt(&lab, &lab.tcp()).args(&["-p", "pid"]).run().expect_success();
    let daemon = Background::from_pid_file(&lab.path("pid"));
    let helper = helper(daemon.pid());
    daemon.terminate();
    wait::until("the helper ended", || !procfs::is_alive(helper));
}

/// It is there even if nothing can be read again, for the next upgrade.
#[test]
fn helper_waits_with_few_rights_and_cannot_get_others() {
    let lab = Lab::new();
    let daemon = Spiped::encrypt(&lab, &lab.tcp()).key("-").stdin(lab.key()).start();
    let helper = helper(daemon.process.pid());
    assert_eq!(procfs::status(helper, "NoNewPrivs"), [1]);
    let status = fs::read_to_string(format!("/proc/{helper}/status")).unwrap();
    let sets: Vec<_> = status.lines().filter_map(|line| line.strip_prefix("Cap")).collect();
    assert_eq!(sets.len(), 5);
    for set in sets {
        let (_, capabilities) = set.split_once(":\t").unwrap();
        let capabilities = u64::from_str_radix(capabilities, 16).unwrap();
        assert_eq!(capabilities & !(DAC_READ_SEARCH | SETPCAP), 0, "{set}");
    }
}

const DAC_READ_SEARCH: u64 = 1 << 2;
/// With which the process that takes over empties its bounding set.
const SETPCAP: u64 = 1 << 8;

#[test]
fn dead_helper_is_said_once_and_costs_reloads_only() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    kill(Pid::from_raw(helper(server.process.pid())), Signal::SIGKILL).unwrap();
    let said = "The helper process has ended, by signal 9.";
    server.process.wait_for_stderr(said);
    wait::until("it was out of the system's table", || {
        procfs::children(server.process.pid()).is_empty()
    });
    lab.write_key("key", OTHER_KEY);
    for _ in 0..2 {
        reload_fails(&server, "There is no helper process");
    }
    let copy = lab.write_key("copy", spiped_tests::KEY);
    let client = Spiped::encrypt(&lab, server.source()).key(copy).start();
    client.connect().expect_echo(b"as before");
    assert_eq!(server.process.stderr().matches(said).count(), 1);
}

/// It could not be started again. In a container, root may not have its way.
#[test]
fn helper_is_not_what_the_system_ends_first_for_memory() {
    let lab = Lab::new();
    let daemon = Spiped::encrypt(&lab, &lab.tcp()).start();
    let adjustment = |process| {
        let file = format!("/proc/{process}/oom_score_adj");
        fs::read_to_string(file).unwrap().trim().parse::<i32>().unwrap()
    };
    let lower = Command::new("sh").args(["-c", "echo -500 >/proc/self/oom_score_adj"]).output();
    let lowest = if lower.unwrap().status.success() { -500 } else { i32::MAX };
    let (pid, helper) = (daemon.process.pid(), helper(daemon.process.pid()));
    let expected = adjustment(pid).min(lowest);
    wait::until("the helper was out of danger", || adjustment(helper) == expected);
    daemon.process.signal(Signal::SIGHUP);
    daemon.process.wait_for_stderr("Keys reloaded");
}

#[test]
fn hung_helper_costs_a_reload_and_stops_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    let mut conn = client.connect();
    let helper = Pid::from_raw(helper(server.process.pid()));
    kill(helper, Signal::SIGSTOP).unwrap();
    server.process.signal(Signal::SIGHUP);
    server.process.signal(Signal::SIGUSR1);
    server.process.wait_for_stderr("counters");
    conn.expect_echo(b"meanwhile");
    client.connect().expect_echo(b"and a new one");
    server
        .process
        .wait_for_stderr("did not answer within 10 s: try again; the old keys stay in use");
    kill(helper, Signal::SIGCONT).unwrap();
    server.process.signal(Signal::SIGHUP);
    server.process.wait_for_stderr("Keys reloaded");
}

#[track_caller]
fn reload_fails(daemon: &Daemon, reason: &str) {
    let count = || daemon.process.stderr().matches(reason).count();
    let before = count();
    daemon.process.signal(Signal::SIGHUP);
    wait::until(&format!("{reason:?} was said again"), || count() > before);
}

/// No thread has any.
#[track_caller]
fn expect_no_rights(pid: i32) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut threads = 0;
    for task in tasks.map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap()) {
        threads += 1;
        assert_eq!(procfs::status(task, "NoNewPrivs"), [1]);
        assert_eq!(procfs::status(task, "Seccomp"), [2]);
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(procfs::status(task, set), [0], "{set}");
        }
    }
    assert!(threads > 0);
}

/// The daemon's only child.
#[track_caller]
fn helper(daemon: i32) -> i32 {
    let children = procfs::children(daemon);
    let [helper] = children[..] else { panic!("children of {daemon}: {children:?}") };
    helper
}

fn without(calls: &str) -> [OsString; 3] {
    confine("without", calls)
}

fn confined_by(unit: &str) -> [OsString; 3] {
    let units = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/packaging/systemd");
    confine("unit", &format!("{units}/{unit}"))
}

fn confine(kind: &str, what: &str) -> [OsString; 3] {
    [env!("CARGO_BIN_EXE_confine").into(), kind.into(), what.into()]
}
