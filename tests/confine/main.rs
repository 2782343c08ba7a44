//! Runs a program with fewer system calls than there are.
//!
//! `confine unit FILE PROGRAM [ARGUMENT...]` allows what the lines
//! `SystemCallFilter=` of a unit of systemd allow, as systemd would; its groups
//! are those that `systemd-analyze syscall-filter` knows.
//! `confine without CALL[,CALL...] PROGRAM [ARGUMENT...]` makes these unknown, as
//! on a kernel that does not have them.
#![allow(clippy::unwrap_used, reason = "a test tool reports by panicking")]

use std::collections::BTreeSet;
use std::env::{args_os, consts::ARCH};
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use seccompiler::{BpfProgram, apply_filter, compile_from_json};
use serde_json::{Value, json};

fn main() {
    let words: Vec<OsString> = args_os().skip(1).collect();
    let [kind, what, program, arguments @ ..] = &words[..] else {
        panic!("usage: confine {{unit FILE | without CALL[,CALL...]}} PROGRAM [ARGUMENT...]");
    };
    let what = what.to_str().unwrap();
    let filter = match kind.to_str() {
        Some("unit") => {
            let allowed = allowed_by(&fs::read_to_string(what).unwrap());
            let refused = json!({ "errno": EPERM });
            filter(&allowed, &refused, &json!("allow"))
        }
        Some("without") => {
            let missing = what.split(',').map(str::to_owned).collect();
            let unknown = json!({ "errno": ENOSYS });
            filter(&missing, &json!("allow"), &unknown)
        }
        other => panic!("unknown kind of confinement: {other:?}"),
    };
    apply_filter(&filter).unwrap();
    let error = Command::new(program).args(arguments).exec();
    panic!("{}: {error}", program.display());
}

/// What a unit allows. Its first line says whether the list is of what is allowed;
/// lines with a tilde take from it again.
fn allowed_by(unit: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (takes, words) = match line.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, line),
        };
        assert!(!(takes && allowed.is_empty()), "a list of what is forbidden");
        for name in words.split_whitespace().flat_map(expand) {
            if takes {
                allowed.remove(&name);
            } else {
                allowed.insert(name);
            }
        }
    }
    assert!(!allowed.is_empty(), "no SystemCallFilter=");
    // These systemd adds, and so do we: without the first nothing could be run.
    allowed.extend(["execve", "exit", "exit_group", "rt_sigreturn"].map(str::to_owned));
    allowed
}

/// The system calls in a group, or the one that this is.
fn expand(word: &str) -> Vec<String> {
    if !word.starts_with('@') {
        return vec![word.to_owned()];
    }
    let output = Command::new("systemd-analyze").args(["syscall-filter", word]).output().unwrap();
    assert!(output.status.success(), "systemd-analyze does not know {word}");
    let text = String::from_utf8(output.stdout).unwrap();
    let members = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    // The first is the group's own name.
    members.filter(|line| !line.is_empty() && *line != word).flat_map(expand).collect()
}

/// Those of the system calls that this architecture has get one answer, all others
/// another.
fn filter(calls: &BTreeSet<String>, others: &Value, these: &Value) -> BpfProgram {
    let known =
        calls.iter().filter(|call| compile(&[call], &json!("allow"), &json!("trap")).is_some());
    let known: Vec<_> = known.map(String::as_str).collect();
    assert!(!known.is_empty(), "none of these is known: {calls:?}");
    compile(&known, others, these).unwrap()
}

fn compile(calls: &[&str], others: &Value, these: &Value) -> Option<BpfProgram> {
    let rules: Vec<_> = calls.iter().map(|call| json!({ "syscall": call })).collect();
    let filter = json!({
        "all": { "mismatch_action": others, "match_action": these, "filter": rules }
    });
    let compiled = compile_from_json(filter.to_string().as_bytes(), ARCH.try_into().unwrap());
    compiled.ok()?.remove("all")
}

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
