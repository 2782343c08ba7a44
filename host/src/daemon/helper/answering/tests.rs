#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::io::ioctl_fionbio;
use rustix::net::{SendFlags, send};

use super::*;
use crate::daemon::helper::pair;

#[test]
fn question_comes_after_an_error_of_the_system() {
    let (daemon, helper) = pair().unwrap();
    // So that there is one while there is no question.
    ioctl_fionbio(&helper, true).unwrap();
    let ask = |_| send(&daemon, &[7], SendFlags::empty()).is_ok();
    assert_eq!(next(&helper, ask).unwrap().0, 7);
    assert!(next(&helper, |_| false).is_none());
    drop(daemon);
    assert!(next(&helper, |_| unreachable!("an end is no error")).is_none());
}

#[test]
#[allow(clippy::zombie_processes, reason = "it is waited for by its number")]
fn child_is_waited_for_a_while() {
    let mut child = Command::new("sleep").arg("30").spawn().unwrap();
    let pid = Pid::from_child(&child);
    assert!(stays(pid, Duration::from_millis(20)));
    child.kill().unwrap();
    assert!(!stays(pid, Duration::from_secs(30)));
    assert!(!stays(pid, Duration::from_secs(30)));
}

#[test]
fn process_ends_in_time_whatever_signals_it_inherited() {
    let output = Command::new("env")
        .args(["--ignore-signal=ALRM", "--block-signal=ALRM", "HELPER_HANGS=1"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "daemon::helper::answering::tests::player", "--test-threads=1"])
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGALRM), "{output:?}");
}

/// Not a test by itself: a process that hangs, though not for good.
#[test]
fn player() {
    if env::var_os("HELPER_HANGS").is_some() {
        end_in(Duration::from_secs(1));
        sleep(Duration::from_secs(30));
    }
}
