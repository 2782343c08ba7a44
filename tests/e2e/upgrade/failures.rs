use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use spiped_tests::{Lab, Upgradable, edition};

use super::{awake, ours};

#[test]
fn daemon_goes_on_whatever_the_new_program_is() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 18);
    let mut failed = 0;
    let mut refuses = |reason: &str| {
        daemon.expect_refusal(reason);
        failed += 1;
        traffic.expect_progress();
    };

    daemon.install(&lab.path("missing"));
    refuses("program: No such file or directory");
    daemon.install(lab.directory());
    refuses("program: Permission denied");
    daemon.install(&lab.key());
    refuses("program: Permission denied");
    daemon.install(&elf_of_another_machine(&lab));
    refuses("program: Exec format error");
    daemon.install(Path::new("/bin/true"));
    refuses("exited with status 0");
    daemon.install(Path::new("/bin/false"));
    refuses("exited with status 1");
    daemon.install_script("kill -SEGV $$");
    refuses("killed by signal 11");
    // Words that no daemon understands are none.
    daemon.install_script("echo hello >&$SPIPED_HANDOVER; sleep 0.1");
    refuses("");
    daemon.install_script(&format!("{} \"$@\"; exit 1", ours().display()));
    refuses("if --program names a script, it has to use exec");

    daemon.expect_logged("Upgrade failed", failed);
    daemon.install_script(&format!("exec {} \"$@\"", ours().display()));
    daemon.upgrade();
    daemon.upgrade();
    let status = daemon.configured().run(&["status", "--json"]).answer();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["upgrades"], &status["upgrades-failed"]), (&2.into(), &failed.into()));
    traffic.finish().expect_all_delivered();
}

/// What the new process needs and does not get.
#[test]
fn daemon_goes_on_if_the_new_process_is_short_of_something() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).ours();
    let traffic = awake(&daemon, 45);
    for limit in [4, 8, 12, 16, 24, 32, 48, 64, 96] {
        daemon.install_script(&format!("ulimit -n {limit}; exec {} \"$@\"", ours().display()));
        daemon.expect_refusal("open files");
        traffic.expect_progress();
    }
    daemon.install_script(&format!("ulimit -v 40000; exec {} \"$@\"", ours().display()));
    daemon.expect_refusal("");
    daemon.install(&ours());
    daemon.upgrade();
    traffic.finish().expect_all_delivered();
}

#[test]
fn new_process_that_hangs_is_ended_after_ten_seconds() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).start(&ours(), &[]);
    let traffic = awake(&daemon, 9);
    // All at once would be one after the other: there is one upgrade at a time.
    daemon.install_script("exec sleep 1000");
    daemon.expect_refusal("did not answer within 10 s");
    traffic.expect_progress();
    traffic.finish().expect_all_delivered();
}

/// At each step at which somebody waits for it.
#[test]
#[ignore = "soak"]
fn new_process_that_hangs_at_any_step_is_ended_after_ten_seconds() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).start(&edition(), &[]);
    let traffic = awake(&daemon, 45);
    for step in ["Heard", "Made", "Resumed", "Taken"] {
        daemon.steps.hold(step);
        daemon.expect_refusal(" 10 s");
        traffic.expect_progress();
    }
    daemon.steps.release();
    daemon.upgrade();
    traffic.finish().expect_all_delivered();
}

/// The start of our own program, for a processor that there is not.
fn elf_of_another_machine(lab: &Lab) -> std::path::PathBuf {
    let mut program = fs::read(ours()).unwrap();
    program.truncate(1 << 16);
    // e_machine: 68000.
    program[18..20].copy_from_slice(&[4, 0]);
    let path = lab.write("elsewhere", program);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
