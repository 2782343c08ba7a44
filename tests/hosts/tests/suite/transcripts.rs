//! Transcripts, in every host that plays them.

use std::fs;
use std::path::PathBuf;

use spiped_tests::{Exit, Lab};

use crate::run;
use crate::suite::programs::command;

/// All that are in `tests/transcripts`.
pub(crate) fn replay(player: &[&str]) {
    let mut files: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    assert!(!files.is_empty());
    files.sort();
    play(&Lab::new(), player, &files).expect_success();
}

/// Some that must not play.
pub(crate) fn differ(player: &[&str]) {
    let lab = Lab::new();
    let good = transcript();
    let cases = differing(&good);
    let files = cases.iter().map(|(name, text, _)| lab.write(name, text));
    let files: Vec<_> = [lab.write("good", &good)].into_iter().chain(files).collect();
    let exit = play(&lab, player, &files);
    for (name, _, line) in &cases {
        exit.expect_failure(&format!("/{name}:{line}: "));
    }
    assert_eq!(exit.stderr.lines().count(), cases.len(), "{}", exit.stderr);
}

fn play(lab: &Lab, player: &[&str], files: &[PathBuf]) -> Exit {
    let mut command = command(lab, player);
    command.args(files);
    run(command)
}

/// A client's, whose nonce is 32 times the same byte.
fn transcript() -> String {
    format!(
        "connect\nconfig: modp2048 omit\npsk: 32*00\nentropy: {}{}\n= made\n\n\
         # a comment\nstart\n> crypt 32*5a\n= handshaking\n",
        "5a".repeat(32),
        "11".repeat(32),
    )
}

/// The transcript with one difference each: its name, and the line that differs.
fn differing(good: &str) -> [(&'static str, String, usize); 12] {
    let digest = format!("32@{}", "00".repeat(32));
    let acceptor = format!("{good}acceptor\nconfig: any offer\nour-nonce: 32*00\n= made\n");
    [
        ("misuse", good.replace("psk: 32*00", "psk: 31*00"), 5),
        ("status", good.replace("handshaking", "wants-compute"), 10),
        ("bytes", good.replace("32*5a", "32*5b"), 9),
        ("length", good.replace("32*5a", "33*5a"), 9),
        ("digest", good.replace("32*5a", &digest), 9),
        ("missing", good.replace("> crypt", "#"), 10),
        ("more", good.replace("= hand", "> plain 00\n= hand"), 10),
        ("no-answer", format!("{good}psk-id\n"), 11),
        ("psk-id", format!("{good}psk-id\n= none\n"), 12),
        ("failure", format!("{good}compute\n= failed misuse start-order\n"), 12),
        ("verdict", format!("{acceptor}identify 32*01\n= more 63\n"), 16),
        ("fault", format!("{acceptor}fault-at-eof\n= fault wrong-key\n"), 16),
    ]
}
