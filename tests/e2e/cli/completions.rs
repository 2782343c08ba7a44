//! Completions, as bash asks for them. That they have all options is checked where they
//! are made.

use std::path::Path;
use std::process::Command;

use spiped_tests::{Lab, Process};

#[test]
fn bash_completes_commands_options_and_their_values() {
    for (line, completed) in [
        ("spiped ke", "keygen"),
        ("spiped --half", "--half-closed-timeout"),
        ("spiped status --wa", "--watch"),
        ("spiped check --pe", "--peer"),
        ("spiped log-level de", "debug"),
        ("spiped -F --kex x", "x25519"),
        ("spiped -F --kex = x", "x25519"),
        ("spipe --prog", "--progress"),
        ("spiped -t ke", ""),
        ("spiped status ke", ""),
        ("spipe ke", ""),
    ] {
        assert_eq!(bash(line), completed, "{line}");
    }
}

/// Where bash has `=` as a word of its own.
#[test]
fn bash_completes_key_files_with_and_without_a_name() {
    for line in [
        "spiped -k ke",
        "spiped --key = ke",
        "spiped -d -k app1 = ke",
        "spiped -d --key = app1 = ke",
        "spipe -k ke",
        "spiped fingerprint ke",
    ] {
        assert_eq!(bash(line), "key", "{line}");
    }
    assert!(bash("spiped -d -k app1 =").lines().any(|file| file == "key"));
}

/// What it proposes for the last word, in a directory that has a file `key`.
#[track_caller]
fn bash(line: &str) -> String {
    let lab = Lab::new();
    let words: Vec<_> = line.split(' ').collect();
    let completions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/completions");
    let script = "set -u; source $0/$1.bash; COMP_WORDS=($@); \
                  COMP_CWORD=$(($# - 1)); _$1; printf '%s\\n' ${COMPREPLY[@]}";
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).arg(completions.canonicalize().unwrap()).args(words);
    bash.current_dir(lab.directory());
    Process::spawn(bash).wait().answer()
}
