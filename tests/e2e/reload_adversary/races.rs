//! Reloads at the wrong time: two at once, many at once, while the daemon ends,
//! without its helper, of a file that is being written.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use spiped_tests::{Backend, Lab, Spiped, proc, wait};

use super::{File, ask, reload, replace, start};

#[test]
fn storm_of_hangups_ends_with_the_last_settings() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two, three) = (lab.tcp(), lab.tcp(), lab.unix("three"));
    let mut file = File::new(&lab);
    file.decrypt("one", &one, backend.endpoint(), "").write();
    let daemon = start(&lab, &[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    reload(&lab).expect_success();
    let descriptors = proc::open_descriptors(daemon.pid());
    for round in 0..40 {
        file.decrypt("one", &one, backend.endpoint(), &format!("max-connections = {}", 2 + round));
        if round % 2 == 0 {
            file.decrypt("two", &two, backend.endpoint(), "");
            file.decrypt("three", &three, backend.endpoint(), "");
        } else {
            file.remove("two").remove("three");
        }
        file.write();
        for _ in 0..5 {
            daemon.signal(Signal::SIGHUP);
        }
    }
    file.write();
    reload(&lab).expect_success();
    assert!(!proc::is_listening(&two) && !proc::is_listening(&three));
    assert!(!lab.path("three").exists(), "the file of a socket stays");
    established.expect_echo(b"through it all");
    client.connect().expect_echo(b"and a new one");
    wait::until("descriptors were back", || proc::open_descriptors(daemon.pid()) <= descriptors);
    let log = daemon.stderr();
    assert!(!log.contains("Too many") && !log.contains("panicked"), "{log}");
}

#[test]
fn reloads_at_once_all_get_their_verdict() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..20).map(|_| lab.tcp()).collect();
    let mut file = File::new(&lab);
    file.decrypt("p0", &sources[0], backend.endpoint(), "").write();
    let _daemon = start(&lab, &[&sources[0]]);
    for (index, source) in sources.iter().enumerate() {
        file.decrypt(&format!("p{index}"), source, backend.endpoint(), "");
    }
    file.write();
    let reloads: Vec<_> = (0..6).map(|_| ask(&lab, &["reload"])).collect();
    for mut reload in reloads {
        reload.wait().expect_success();
    }
    assert!(sources.iter().all(proc::is_listening));
}

#[test]
fn reload_of_a_daemon_that_ends_changes_nothing() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let (one, two) = (lab.tcp(), lab.tcp());
    let mut file = File::new(&lab);
    file.decrypt("one", &one, backend.endpoint(), "").write();
    let mut daemon = start(&lab, &[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    file.decrypt("two", &two, backend.endpoint(), "").write();
    // Whichever comes first.
    let mut pending = ask(&lab, &["reload"]);
    daemon.signal(Signal::SIGTERM);
    pending.wait();
    wait::until("nobody listened", || !proc::is_listening(&one) && !proc::is_listening(&two));
    daemon.signal(Signal::SIGHUP);
    assert_eq!(reload(&lab).code(), Some(1));
    assert!(!proc::is_listening(&two));
    established.expect_echo(b"until it ends");
    drop(established);
    daemon.wait().expect_success();
}

#[test]
fn without_its_helper_the_daemon_says_so_and_serves_on() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..50).map(|index| lab.unix(&format!("s{index}"))).collect();
    let one = lab.tcp();
    let mut file = File::new(&lab);
    file.decrypt("one", &one, backend.endpoint(), "").write();
    let daemon = start(&lab, &[&one]);
    let client = Spiped::encrypt(&lab, &one).start();
    let mut established = client.connect();
    established.expect_echo(b"from before");
    for (index, source) in sources.iter().enumerate() {
        file.decrypt(&format!("p{index}"), source, backend.endpoint(), "");
    }
    file.write();
    let children = proc::children(daemon.pid());
    assert!(!children.is_empty(), "there is no helper");
    let mut pending = ask(&lab, &["reload"]);
    for child in children {
        kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
    }
    // In the middle of it or not: all or nothing.
    let listening = |expected| sources.iter().all(|it| proc::is_listening(it) == expected);
    let done = pending.wait().code() == Some(0);
    wait::until("all or nothing was there", || listening(done));
    reload(&lab).expect_failure("helper");
    established.expect_echo(b"still");
    client.connect().expect_echo(b"and a new one");
}

#[test]
fn file_that_is_replaced_while_it_is_read_is_one_of_the_two() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let sources: Vec<_> = (0..4).map(|_| lab.tcp()).collect();
    let file = |which: usize| {
        let mut file = File::new(&lab);
        for (index, source) in sources.iter().enumerate().filter(|(index, _)| index % 2 == which) {
            file.decrypt(&format!("p{index}"), source, backend.endpoint(), "");
        }
        file.text()
    };
    let texts = [file(0), file(1)];
    replace(&lab, &texts[0]);
    let _daemon = start(&lab, &[&sources[0], &sources[2]]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                replace(&lab, text);
            }
        });
        // However this ends, the other thread does, too.
        let _stop = StopOnDrop(&done);
        for _ in 0..20 {
            reload(&lab).expect_success();
            let whole = [[true, false, true, false], [false, true, false, true]];
            wait::until("the pipes of one of the files were there", || {
                let listening: Vec<_> = sources.iter().map(proc::is_listening).collect();
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
    let mut file = File::new(&lab);
    file.decrypt("one", &one, backend.endpoint(), "").write();
    for (folder, source) in [("v1", &two), ("v2", &three)] {
        fs::create_dir(lab.path(folder)).unwrap();
        let mut more = File::new(&lab);
        let text = more.decrypt("more", source, backend.endpoint(), "key = \"../key\"").text();
        lab.write(&format!("{folder}/more.toml"), &text[text.find('[').unwrap()..]);
    }
    symlink("v1", lab.path("pipes.d")).unwrap();
    let _daemon = start(&lab, &[&one, &two]);
    symlink("v2", lab.path("pipes.d.new")).unwrap();
    fs::rename(lab.path("pipes.d.new"), lab.path("pipes.d")).unwrap();
    reload(&lab).expect_success();
    assert!(proc::is_listening(&one) && !proc::is_listening(&two) && proc::is_listening(&three));
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
