use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use spiped_tests::{Lab, Upgradable, edition};

use super::{asleep_and_awake, awake, ours};

/// A later version reads one format more, and its component appends to the states of
/// sessions.
#[test]
fn upgrade_goes_to_a_later_version_and_back_again() {
    let lab = Lab::new();
    let component =
        format!("SPIPED_EDITION_COMPONENT={}", component("spiped-next.cwasm").display());
    // The first has these in its environment, and does not know them.
    let daemon = Upgradable::new(&lab).start(&ours(), &["SPIPED_EDITION_FORMATS=1-2", &component]);
    let traffic = asleep_and_awake(&daemon, 36);
    for program in [edition(), edition(), ours(), edition(), ours()] {
        daemon.install(&program);
        daemon.upgrade();
        assert_eq!(daemon.program(), program.canonicalize().unwrap());
        traffic.expect_progress();
    }
    traffic.finish().expect_all_delivered();
}

#[test]
fn versions_that_have_no_format_in_common_are_told_apart() {
    let lab = Lab::new();
    let daemon = Upgradable::new(&lab).start(&ours(), &["SPIPED_EDITION_FORMATS=2-3"]);
    let traffic = awake(&daemon, 9);
    daemon.install(&edition());
    daemon.expect_refusal(
        "reads versions 2 to 3 of the hand-over format, and this one writes 1 to 1",
    );
    traffic.finish().expect_all_delivered();
}

#[test]
fn states_that_the_new_component_does_not_read_stay() {
    let lab = Lab::new();
    // Everything is the same, but for the word that states begin with.
    let component = fs::read(component("spiped-native.wasm")).unwrap();
    let component = with_other_magic(component);
    let (wasm, code) = (lab.write("refusing.wasm", component), lab.path("refusing.cwasm"));
    let status = Command::new(made("tool/componentize"))
        .arg("precompile")
        .args([&wasm, &code])
        .status()
        .unwrap();
    assert!(status.success());
    let component = format!("SPIPED_EDITION_COMPONENT={}", code.display());
    let daemon = Upgradable::new(&lab).start(&ours(), &[&component]);
    let traffic = asleep_and_awake(&daemon, 9);
    daemon.install(&edition());
    for _ in 0..2 {
        daemon.expect_refusal("connection");
        traffic.expect_progress();
    }
    daemon.expect_logged("Upgrade failed", 2);
    daemon.install(&ours());
    daemon.upgrade();
    traffic.finish().expect_all_delivered();
}

/// "spst" as an immediate of an instruction, and "spsu".
fn with_other_magic(mut component: Vec<u8>) -> Vec<u8> {
    let immediate = |word: &[u8; 4]| {
        let mut left = u32::from_le_bytes(*word);
        [(); 5].map(|()| {
            let byte = u8::try_from(left & 0x7f).unwrap();
            left >>= 7;
            byte | if left > 0 { 0x80 } else { 0 }
        })
    };
    let (from, to) = (immediate(b"spst"), immediate(b"spsu"));
    let mut found = 0;
    for at in 0..component.len() - from.len() {
        if component[at..].starts_with(&from) {
            component[at..at + to.len()].copy_from_slice(&to);
            found += 1;
        }
    }
    assert_eq!(found, 2, "one that writes it and one that reads it");
    component
}

fn component(name: &str) -> PathBuf {
    made(&format!("components/{name}"))
}

/// What make makes, in `target/`.
fn made(path: &str) -> PathBuf {
    let made = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).join(path);
    assert!(made.is_file(), "{} is missing: make test makes it", made.display());
    made
}
