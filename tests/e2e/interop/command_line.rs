//! The same command lines given to the original and to ours.

use spiped_tests::{Exit, Lab, Origin, Process, Program};

#[test]
fn version_has_the_same_second_word() {
    for program in [Program::Spiped, Program::Spipe] {
        let second_word = |origin| {
            let exit = run(program, origin, &["-v"]);
            assert_eq!((exit.code(), &*exit.stdout), (Some(0), &b""[..]), "{exit:?}");
            exit.stderr.split_whitespace().nth(1).map(str::to_owned)
        };
        assert_eq!(second_word(Origin::Ours), second_word(Origin::Upstream));
    }
}

#[test]
fn spiped_takes_and_refuses_the_same() {
    let base = ["-F", "-s", "/nonexistent/source"];
    same_answers(Program::Spiped, &base, "Error binding socket", &["-e", "-t", "/t", "-k", "key"]);
}

#[test]
fn spipe_takes_and_refuses_the_same() {
    same_answers(Program::Spipe, &[], "Could not connect", &["-t", "/t", "-k", "key"]);
}

/// Replaces one value after the other in a good command line, by values of all
/// kinds. `taken` is what a line that is understood leads to.
#[track_caller]
fn same_answers(program: Program, base: &[&str], taken: &str, good: &[&str]) {
    let variants: &[(&str, &[&str])] = &[
        ("-t", &["/t", "", "abc", ":80", "::1:80", "localhost", "/"]),
        ("-t", &["[127.0.0.1]:1", "[127.0.0.1]:+1", "[127.0.0.1]: 1", "[127.0.0.1]:01"]),
        ("-t", &["[127.0.0.1]:0", "[127.0.0.1]:", "[127.0.0.1]:-1", "[127.0.0.1]:1 "]),
        ("-t", &["[127.0.0.1]:0x1", "[127.0.0.1]:99999999999", "[127.0.0.1", "[localhost]:1"]),
        ("-b", &["127.0.0.2", "127.0.0.2:", "127.0.0.2:0", "localhost:", "[127.0.0.2]:1", ""]),
        ("-k", &["key", "missing", "a=b", "a=key/", "/", "/dev/null"]),
        ("-o", &["1", "1.5", "0", "0x1p3", " 1", "+1", "-1", "nan", "x", "", "5s", "1e999"]),
        ("-n", &["1", "0", "-1", "0x10", "010", "08", " 5", "+5", "5 ", "x", "", "1.5"]),
        ("-r", &["1", "0", "1.5", "-1", "x"]),
        ("-h", &[]),
        ("-1", &[]),
        ("--syslog=x", &[]),
        ("--sys", &[]),
        ("leftover", &[]),
        ("--", &["leftover"]),
    ];
    for (option, values) in variants {
        let values = if values.is_empty() { &[""][..] } else { values };
        for value in values {
            let mut words = [base, good].concat();
            match words.iter().position(|word| word == option) {
                Some(at) => words[at + 1] = value,
                None if option.len() == 2 && *option != "-h" && *option != "-1" => {
                    words.extend([option, value]);
                }
                None => words.push(option),
            }
            let answer = |origin| {
                let exit = run(program, origin, &words);
                let usage = exit.stderr.contains("usage: ");
                (exit.code(), exit.stdout, usage, exit.stderr.contains(taken))
            };
            assert_eq!(answer(Origin::Ours), answer(Origin::Upstream), "{words:?}");
        }
    }
}

#[track_caller]
fn run(program: Program, origin: Origin, words: &[&str]) -> Exit {
    Process::spawn(program.of(origin, &Lab::new(), words)).wait()
}
