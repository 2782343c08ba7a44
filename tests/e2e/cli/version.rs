//! `-v`.

use spiped_tests::Program;

use super::run;

#[test]
fn version_goes_to_standard_error_with_success() {
    for program in [Program::Spiped, Program::Spipe] {
        expect_version(program, "-v");
    }
}

#[test]
fn version_wins_over_everything_after_it() {
    for line in ["-v -x", "-v -n abc", "-v leftover", "-ev", "-evx", "-v -v"] {
        expect_version(Program::Spiped, line);
    }
    for line in ["-v -x", "-fv", "-v -o x"] {
        expect_version(Program::Spipe, line);
    }
}

#[track_caller]
fn expect_version(program: Program, line: &str) {
    let exit = run(program, line);
    assert_eq!(exit.code(), Some(0), "{line}: {exit:?}");
    assert_eq!(exit.stdout, b"", "{line}");
    let prefix = format!("{} ", program.name());
    let version = exit.stderr.strip_prefix(&prefix).unwrap_or_default();
    // Scripts take the second word.
    assert!(version.starts_with("1.6.4 (spiped-wasm "), "{exit:?}");
    assert_eq!(exit.stderr.lines().count(), 1, "{exit:?}");
}
