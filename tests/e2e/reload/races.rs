//! Reloads at the wrong time: two at once, many at once, while the daemon ends,
//! without its helper, of a file that is being written.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spiped_tests::{Backend, Configured, Endpoint, Lab, Spiped, pipe, procfs, wait};

/// A pipe to this backend.
fn decrypt(name: &str, source: &Endpoint, backend: &Backend, more: &str) -> String {
    pipe(name, "decrypt", source, backend.endpoint(), more)
}

#[test]
fn storm_of_hangups_ends_with_the_last_settings() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two, three) = (lab.tcp(), lab.tcp(), lab.unix("three"));
    let daemon = Configured::new(&lab);
    daemon.write("", &[decrypt("one", &one, &backend, "")]);
    let process = daemon.start(&[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    daemon.reload();
    let descriptors = procfs::open_descriptors(process.pid());
    for round in 0..40 {
        let more = format!("max-connections = {}", 2 + round);
        let mut pipes = vec![decrypt("one", &one, &backend, &more)];
        if round % 2 == 0 {
            pipes.push(decrypt("two", &two, &backend, ""));
            pipes.push(decrypt("three", &three, &backend, ""));
        }
        daemon.write("", &pipes);
        for _ in 0..5 {
            process.signal(Signal::SIGHUP);
        }
    }
    daemon.reload();
    assert!(!procfs::is_listening(&two) && !procfs::is_listening(&three));
    assert!(!lab.path("three").exists(), "the file of a socket stays");
    established.expect_echo(b"through it all");
    client.connect().expect_echo(b"and a new one");
    wait::until("descriptors were back", || procfs::open_descriptors(process.pid()) <= descriptors);
    let log = process.stderr();
    assert!(!log.contains("Too many") && !log.contains("panicked"), "{log}");
}

#[test]
fn reloads_at_once_all_get_their_verdict() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..20).map(|_| lab.tcp()).collect();
    let pipes: Vec<_> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| decrypt(&format!("p{index}"), source, &backend, ""))
        .collect();
    let daemon = Configured::new(&lab);
    daemon.write("", &pipes[..1]);
    let _process = daemon.start(&[&sources[0]]);
    daemon.write("", &pipes);
    let reloads: Vec<_> = (0..6).map(|_| daemon.ask(&["reload"])).collect();
    for mut reload in reloads {
        reload.wait().expect_success();
    }
    assert!(sources.iter().all(procfs::is_listening));
}

#[test]
fn reload_of_a_daemon_that_ends_changes_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two) = (lab.tcp(), lab.tcp());
    let daemon = Configured::new(&lab);
    daemon.write("", &[decrypt("one", &one, &backend, "")]);
    let mut process = daemon.start(&[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    daemon.write("", &[decrypt("one", &one, &backend, ""), decrypt("two", &two, &backend, "")]);
    // Whichever comes first.
    let mut pending = daemon.ask(&["reload"]);
    process.signal(Signal::SIGTERM);
    pending.wait();
    wait::until("nobody listened", || !procfs::is_listening(&one) && !procfs::is_listening(&two));
    process.signal(Signal::SIGHUP);
    assert_eq!(daemon.run(&["reload"]).code(), Some(1));
    assert!(!procfs::is_listening(&two));
    established.expect_echo(b"until it ends");
    drop(established);
    process.wait().expect_success();
}

#[test]
fn without_its_helper_the_daemon_says_so_and_serves_on() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..50).map(|index| lab.unix(&format!("s{index}"))).collect();
    let one = lab.tcp();
    let daemon = Configured::new(&lab);
    daemon.write("", &[decrypt("one", &one, &backend, "")]);
    let process = daemon.start(&[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    let pipes: Vec<_> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| decrypt(&format!("p{index}"), source, &backend, ""))
        .chain([decrypt("one", &one, &backend, "")])
        .collect();
    daemon.write("", &pipes);
    let children = procfs::children(process.pid());
    assert!(!children.is_empty(), "there is no helper");
    let mut pending = daemon.ask(&["reload"]);
    for child in children {
        kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
    }
    // In the middle of it or not: all or nothing.
    let listening = |expected| sources.iter().all(|it| procfs::is_listening(it) == expected);
    let done = pending.wait().code() == Some(0);
    wait::until("all or nothing was there", || listening(done));
    daemon.run(&["reload"]).expect_failure("helper");
    established.expect_echo(b"still");
    client.connect().expect_echo(b"and a new one");
}

#[test]
fn file_that_is_replaced_while_it_is_read_is_one_of_the_two() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..4).map(|_| lab.tcp()).collect();
    let daemon = Configured::new(&lab);
    let texts = [[0, 2], [1, 3]].map(|which| {
        let pipe = |index| decrypt(&format!("p{index}"), &sources[index], &backend, "");
        daemon.text("", &which.map(pipe))
    });
    daemon.replace(&texts[0]);
    let _process = daemon.start(&[&sources[0], &sources[2]]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                daemon.replace(text);
            }
        });
        // However this ends, the other thread does, too.
        let _stop = StopOnDrop(&done);
        for _ in 0..20 {
            daemon.reload();
            let whole = [[true, false, true, false], [false, true, false, true]];
            wait::until("the pipes of one of the files were there", || {
                let listening: Vec<_> = sources.iter().map(procfs::is_listening).collect();
                whole.iter().any(|it| it[..] == listening[..])
            });
        }
    });
}

#[test]
fn folder_of_pipes_can_be_a_link_that_changes() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two, three) = (lab.tcp(), lab.tcp(), lab.tcp());
    let daemon = Configured::new(&lab);
    daemon.write("", &[decrypt("one", &one, &backend, "")]);
    for (folder, source) in [("v1", &two), ("v2", &three)] {
        fs::create_dir(lab.path(folder)).unwrap();
        let more = decrypt("more", source, &backend, "key = \"../key\"");
        lab.write(&format!("{folder}/more.toml"), more);
    }
    symlink("v1", lab.path("pipes.d")).unwrap();
    let _process = daemon.start(&[&one, &two]);
    symlink("v2", lab.path("pipes.d.new")).unwrap();
    fs::rename(lab.path("pipes.d.new"), lab.path("pipes.d")).unwrap();
    daemon.reload();
    assert!(
        procfs::is_listening(&one) && !procfs::is_listening(&two) && procfs::is_listening(&three)
    );
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
