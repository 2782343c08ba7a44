//! Long options, the file that says the same, and the command that writes it.

use spiped_tests::procfs::is_listening;
use spiped_tests::{Backend, Conn, Endpoint, Lab, Process, Program, Spiped, wait};

use super::{Line, LineThenUsage, refused};

#[test]
fn long_options_make_a_pipe() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let [middle, source] = [lab.tcp(), lab.tcp()];
    let target = backend.endpoint().to_string();
    let _server = listening(
        &lab,
        &middle,
        &format!(
            "--decrypt --foreground --source={middle} --target {target} --key key --timeout=1m30s \
             --max-connections 7 --require-forward-secrecy --no-keep-alive --bind 127.0.0.1 \
             --resolve-period=never --drain 10s --idle-timeout 1h"
        ),
    );
    let _client = listening(
        &lab,
        &source,
        &format!("--encrypt -F --source {source} --target {middle} --key key"),
    );
    Conn::to(&source).expect_echo(b"the same");
}

#[test]
fn letter_and_long_form_are_one_option() {
    let base = "-e -F -s /nonexistent/source -t /nonexistent/target -k key";
    refused(
        Program::Spiped,
        base,
        &[
            ("--encrypt", LineThenUsage("Option given more than once: --encrypt")),
            ("--decrypt", LineThenUsage("--decrypt contradicts -e: leave out one of them")),
            ("--target x:1", LineThenUsage("Option given more than once: --target")),
            ("-n 1 --max-connections 1", LineThenUsage("given more than once: --max-connections")),
            ("--timeout 5parsecs", Line("Not a time: 5parsecs")),
            ("--proxy-to v2", LineThenUsage("--proxy-to is only for -d")),
            ("--config f", LineThenUsage("Only -F and -p can be given with --config")),
        ],
    );
}

#[test]
fn file_makes_the_pipe_that_its_command_line_made() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let source = lab.tcp();
    let line = format!("convert -- spiped -d -F -s {source} -t {} -k key -n 7", backend.endpoint());
    let written = run(&lab, &line);
    written.expect_success();
    assert!(written.stdout.starts_with(b"# "), "{written:?}");
    lab.write("spiped.toml", &written.stdout);
    let _server = listening(&lab, &source, "-F --config spiped.toml");
    Spiped::encrypt(&lab, &source).start().connect().expect_echo(b"from a file");
}

#[test]
fn unit_becomes_a_file() {
    let lab = Lab::new();
    lab.write("web.env", "MODE=-d\nSOURCE=[127.0.0.1]:7\nTARGET=/run/web\nOPTIONS=-g\n");
    let unit = format!(
        "[Service]\nEnvironmentFile={}\nExecStart=/usr/bin/spiped $MODE -F -s ${{SOURCE}} \\\n  \
         -t ${{TARGET}} -k /etc/%i.key $OPTIONS\nUser=web\nLimitNOFILE=65536\nLimitCPU=9\n",
        lab.path("web.env").display()
    );
    lab.write("pipe@web.service", unit);
    for file in ["web.env", "pipe@web.service"] {
        let exit = run(&lab, &format!("convert {file}"));
        exit.expect_success();
        let text = String::from_utf8(exit.stdout).unwrap();
        for line in ["[pipe.web]", "target = \"/run/web\"  # -t", "require-forward-secrecy = true"]
        {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
        let is_unit = file.ends_with("service");
        // One of the limits is that of our own unit.
        let lost = exit.stderr.contains("Not in the settings file: User=web, LimitCPU=9 (");
        assert_eq!(lost, is_unit, "{}", exit.stderr);
    }
    run(&lab, "convert no.service").expect_failure("Cannot read no.service");
    run(&lab, "convert -d -s [::1]:7").expect_failure("Missing option: -t");
}

#[test]
fn everything_wrong_with_a_file_is_told_before_anything_is_done() {
    let lab = Lab::new();
    let source = lab.tcp();
    lab.write(
        "spiped.toml",
        format!("contol = \"c\"\n[pipe.a]\nmode = \"encrypt\"\nsource = \"{source}\"\n"),
    );
    std::fs::create_dir(lab.path("pipes.d")).unwrap();
    lab.write("pipes.d/b.toml", "[pipe.b]\nmode = decrypt\n");
    let exit = run(&lab, "-F --config spiped.toml");
    assert_eq!(exit.code(), Some(1));
    for words in [
        "spiped.toml:1:1: Unknown key: \"contol\" (did you mean control?)\n",
        "pipes.d/b.toml:2:8: ",
    ] {
        assert!(exit.stderr.contains(words), "no {words} in\n{}", exit.stderr);
    }
    assert!(exit.stderr.lines().all(|line| line.starts_with("spiped: ")), "{}", exit.stderr);
    lab.write("pipes.d/b.toml", "");
    let exit = run(&lab, "-F --config spiped.toml");
    for words in ["target is missing", "key is missing", "Unknown key"] {
        assert!(exit.stderr.contains(words), "no {words} in\n{}", exit.stderr);
    }
    assert!(!is_listening(&source));
    for line in ["--config nowhere.toml", "check nowhere.toml"] {
        let exit = run(&lab, line);
        let said = String::from_utf8_lossy(&exit.stdout) + exit.stderr.as_str();
        assert!(said.contains("nowhere.toml: No such file or directory\n"), "{said}");
    }
    run(&lab, "--config .").expect_failure("is not a regular file");
}

#[track_caller]
fn listening(lab: &Lab, source: &Endpoint, line: &str) -> Process {
    let mut process = Process::spawn(Program::Spiped.ours(lab, &words(line)));
    wait::until("listening", || {
        assert!(process.is_running(), "{}", process.stderr());
        is_listening(source)
    });
    process
}

#[track_caller]
fn run(lab: &Lab, line: &str) -> spiped_tests::Exit {
    Process::spawn(Program::Spiped.ours(lab, &words(line))).wait()
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
