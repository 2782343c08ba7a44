//! What files of settings say, and what is wrong with them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::config::options::OPTIONS;
use crate::config::{FileWords, Launch, Parsed, Settings, TextFile};
use crate::guest::Side;
use crate::keys::KeySource;
use crate::keys::file::KeyFile;

use super::parse;

const REDIS: &str = r#"
[pipe.redis]
mode = "decrypt"
source = "[0.0.0.0]:6390"
target = "[127.0.0.1]:6379"
key = "keys/redis.key"
"#;

#[test]
fn defaults_are_those_of_the_command_line() {
    let mut settings = read(REDIS);
    let words =
        "-d -s [0.0.0.0]:6390 -t [127.0.0.1]:6379 -k /etc/spiped/keys/redis.key -p /run/spiped.pid";
    let crate::cli::Wanted::Settings(mut typed) =
        crate::cli::spiped(words.split_whitespace().map(Into::into)).unwrap()
    else {
        panic!()
    };
    assert_eq!(&*settings.pipes[0].name, "redis");
    typed.origin = settings.origin.clone();
    typed.pipes[0].name = settings.pipes[0].name.clone();
    assert_eq!(settings, *typed);
    settings.process.launch = Launch::Foreground;
    assert_ne!(settings, *typed);
}

#[test]
fn pipes_have_defaults_in_common_and_go_before_them() {
    let settings = read(
        r#"
        log-level = "info"
        drain = "30s"
        memory = "64MiB"
        control = "control"
        metrics = "127.0.0.1:9464"
        user = 65534

        [defaults]
        key = "all.key"
        max-connections = 500
        require-forward-secrecy = true
        keep-alive-idle = 30
        timeout = "1m30s"
        resolve-period = 0
        socket-mode = "0660"
        handshakes = 7

        [pipe.a]
        mode = "encrypt"
        source = ["/run/a", "127.0.0.1:1"]
        target = ["a:1", "b:1"]
        balance = "spread"
        allow = "192.0.2.0/24"

        [pipe.b]
        mode = "decrypt"
        source = "127.0.0.1:2"
        target = "a:1"
        max-connections = 0
        omit-forward-secrecy = true
        keep-alive = false
        timeout = "never"
        key = { one = "1.key", two = "/2.key" }
        "#,
    );
    assert_eq!(settings.process.drain, Some(Duration::from_secs(30)));
    assert_eq!(settings.process.memory, Some(64 << 20));
    assert_eq!(settings.process.control, Some("/etc/spiped/control".into()));
    let [a, b] = &settings.pipes[..] else { panic!() };
    assert_eq!((a.sources.len(), a.connection.targets.len()), (2, 2));
    assert_eq!(a.connection.keys, KeySource::One(KeyFile::Path("/etc/spiped/all.key".into())));
    assert_eq!(a.connection_limit.map(NonZeroUsize::get), Some(500));
    assert_eq!(a.connection.keepalive.unwrap().idle, Duration::from_secs(30));
    assert_eq!(a.connection.time_limit, Duration::from_secs(90));
    assert_eq!((a.resolve_period, a.socket_mode), (None, Some(0o660)));
    // Defaults that mean nothing for a pipe are no mistake of it.
    assert_eq!((a.admission.handshakes, b.socket_mode), (None, None));
    assert_eq!(b.admission.handshakes.map(NonZeroUsize::get), Some(7));
    assert_eq!((b.connection_limit, b.connection.keepalive), (None, None));
    let KeySource::Named(files) = &b.connection.keys else { panic!() };
    let files: Vec<_> = files.iter().map(|file| file.path.to_str().unwrap()).collect();
    assert_eq!(files, ["/etc/spiped/1.key", "/2.key"]);
}

#[test]
fn settings_of_the_log_may_stand_among_the_defaults() {
    let text = format!("[defaults]\nlog-level = \"info\"\nlog-format = \"json\"\n{REDIS}");
    let process = read(&text).process;
    assert_eq!(process.log_level, log::LevelFilter::Info);
    assert_eq!(process.log_format, crate::observe::Format::Json);
}

#[test]
fn both_ways_is_two_pipes() {
    let settings = read(
        r#"
        [both-ways.redis]
        local = "[127.0.0.1]:6379"
        listen = "[192.0.2.1]:6390"
        peer = "db2.example.net:6390"
        mirror = "[127.0.0.1]:8000"
        key = "redis.key"
        max-connections = 7
        handshakes = 3
        "#,
    );
    let ends = |index: usize| {
        let pipe = &settings.pipes[index];
        let ends = format!("{} {} {}", pipe.name, pipe.sources[0], pipe.connection.targets[0]);
        (ends, pipe.connection.config.side(), pipe.connection_limit.unwrap().get())
    };
    let out = "redis-out [127.0.0.1]:8000 db2.example.net:6390".to_owned();
    assert_eq!(ends(0), (out, Side::Client, 7));
    let into = "redis-in [192.0.2.1]:6390 [127.0.0.1]:6379".to_owned();
    assert_eq!(ends(1), (into, Side::Server, 7));
}

#[test]
fn both_ways_is_refused_as_a_whole() {
    assert_eq!(
        faults(
            r#"
[both-ways.redis]
local = "[127.0.0.1]:6379"
listen = "[192.0.2.1]:6390"
miror = "[127.0.0.1]:8000"
target = "a:1"
key = { a = "1", b = "2" }
"#
        ),
        [
            "spiped.toml:2:12: peer is missing: write peer = an address, such as \
             \"[127.0.0.1]:6379\", or a list of them",
            "spiped.toml:2:12: mirror is missing: write mirror = an address, such as \
             \"[127.0.0.1]:6379\", or a list of them",
            "spiped.toml:5:1: Unknown key: \"miror\" (did you mean mirror?)",
            "spiped.toml:6:1: Unknown key: \"target\" (it belongs in [pipe.NAME])",
            "spiped.toml:7:7: key names several keys, but a pipe that encrypts uses one: name one file",
        ]
    );
}

#[test]
fn every_fault_of_every_file_is_told_with_its_place() {
    let main = r#"contol = "/c"
max-connections = 3
[defaults]
key = "k"
[pipe.a]
mode = "decrpt"
source = "a:1"
target = "b"
"#;
    let more = r#"
[pipe.a]
mode = "encrypt"
source = "a:1"
target = "b:1"
handshakes = 3
socket-mode = "0660"
kex = "x25519"
omit-forward-secrecy = true

[defaults]
"#;
    let faults = faults_of(&[("spiped.toml", main), ("pipes.d/b.toml", more)]);
    assert_eq!(
        faults,
        [
            "spiped.toml:1:1: Unknown key: \"contol\" (did you mean control?)",
            "spiped.toml:2:1: Unknown key: \"max-connections\" (it belongs in [pipe.NAME] or \
             [defaults])",
            "spiped.toml:6:8: mode cannot be \"decrpt\": write \"encrypt\" or \"decrypt\"",
            "spiped.toml:8:10: target: Address must contain port number: b (write b:PORT)",
            "pipes.d/b.toml:2:7: There is a pipe \"a\" already, at /etc/spiped/spiped.toml:5:7: give one of them another name",
            "pipes.d/b.toml:4:10: source a:1 is already that of pipe a, at \
             /etc/spiped/spiped.toml:7:10: choose another one",
            "pipes.d/b.toml:6:14: handshakes is only for mode = \"decrypt\": leave it out",
            "pipes.d/b.toml:7:15: socket-mode is only for a source that is the path of a Unix socket: leave it out",
            "pipes.d/b.toml:9:24: omit-forward-secrecy contradicts kex = \"x25519\", which has forward secrecy: leave out one of them",
            "pipes.d/b.toml:11:2: Unknown key: \"defaults\" (it belongs in the file that \
             --config names)",
        ]
    );
}

#[test]
fn wrong_values_are_told_what_to_write() {
    for (line, words) in [
        ("max-connections = \"many\"", "cannot be \"many\": write a number, such as 100"),
        ("max-connections = -1", "cannot be -1: write a number, such as 100"),
        ("keep-alive = \"no\"", "cannot be \"no\": write true or false"),
        ("timeout = \"5 parsecs\"", "write a time, such as \"5s\", \"1m30s\" or \"never\""),
        ("timeout = 0", "timeout is out of range: 0s"),
        ("keep-alive-idle = \"1.5s\"", "write whole seconds"),
        ("keep-alive-count = 0", "out of range: 0 (write 1 to 127)"),
        ("user-timeout = \"30days\"", "out of range"),
        ("socket-mode = 660", "write an octal mode"),
        ("allow = [\"192.0.2.0/33\"]", "cannot be this list: write a network"),
        ("key = \"-\"", "name a key file"),
        ("key = { \"a/b\" = \"f\" }", "without a slash"),
        ("key = {}", "cannot be a table: write a file, a directory, or a table"),
        ("proxy-to = 2", "cannot be 2: write \"v1\" or \"v2\""),
        ("no-keep-alive = true", "(write keep-alive = false)"),
        ("foreground = true", "spiped.toml(5) lists"),
        ("listen = \"a:1\"", "(it belongs in [both-ways.NAME])"),
        ("control = \"c\"", "(it belongs at the top of the file"),
        ("sauce = \"a:2\"", "(did you mean source?)"),
        ("keep-alive = false\nkeep-alive-idle = 7", "contradicts keep-alive = false"),
        ("omit-forward-secrecy = true\nrequire-forward-secrecy = true", "contradicts"),
        ("socket-owner = \"a:\"", "Empty group name"),
    ] {
        let key = if line.starts_with("key =") { "" } else { "key = \"k\"\n" };
        let ends = "mode = \"decrypt\"\nsource = \"/s\"\ntarget = \"b:1\"";
        let faults = faults(&format!("[pipe.a]\n{ends}\n{key}{line}\n"));
        assert!(faults.iter().any(|fault| fault.contains(words)), "{line}: {faults:?}");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
    let faults = faults(&format!("metrics = \"0.0.0.0:9\"\n{REDIS}"));
    assert!(faults[0].contains("for this host only: [0.0.0.0]:9"), "{faults:?}");
}

#[test]
fn what_is_no_toml_is_told_line_by_line() {
    let faults = faults("a = \n[pipe.x]\nmode = decrypt\nkey = \"k\n");
    assert!(faults[0].starts_with("spiped.toml:1:"), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("spiped.toml:3:")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("spiped.toml:4:")), "{faults:?}");
    // Of a line, the first fault: the parser stumbles over what follows, too.
    assert_eq!(self::faults("source = [::1]:7\n").len(), 1);
}

#[test]
fn names_and_tables_are_checked() {
    for (text, words) in [
        ("", "There is no pipe: write [pipe.NAME]"),
        ("pipe = 3", "pipe is a table: write [pipe.NAME]"),
        ("[pipe]\na = 3", "[pipe] has no name: write [pipe.NAME]"),
        ("[[pipe.a]]", "[pipe] has no name"),
        ("[pipe.\"a b\"]", "\"a b\" cannot be the name of a pipe"),
        ("[pipes.a]", "Unknown key: \"pipes\" (did you mean pipe?)"),
        ("[defaults]\nsource = \"a:1\"", "source belongs in [pipe.NAME]"),
        ("log-level = \"info\"\n[defaults]\nlog-level = \"warn\"", "log-level is set already"),
    ] {
        let faults = faults(text);
        assert!(faults.iter().any(|fault| fault.contains(words)), "{text}: {faults:?}");
    }
}

#[test]
fn words_of_the_command_line_go_before_the_file() {
    let files = [file("spiped.toml", &format!("pid-file = \"pid\"\nsyslog = true\n{REDIS}"))];
    let launch = |foreground, pid_file: Option<&str>| {
        let pid_file = pid_file.map(Into::into);
        let words = FileWords { path: files[0].path.clone(), foreground, pid_file };
        words.parse(&files).unwrap().settings.process.launch
    };
    let daemon = |pid_file: &str| Launch::Daemon { pid_file: pid_file.into(), syslog: true };
    assert_eq!(launch(false, None), daemon("/etc/spiped/pid"));
    assert_eq!(launch(false, Some("/p")), daemon("/p"));
    assert_eq!(launch(true, Some("/p")), Launch::Foreground);
}

#[test]
fn places_are_those_of_the_values() {
    let text = format!("control = \"/c\"\n[defaults]\nlog-level = \"info\"\nbind = \"a\"\n{REDIS}");
    let places = parse(&[file("spiped.toml", &text)]).unwrap().places;
    let place = |pipe, key| places.of(pipe, key).map(|place| (place.line, place.column));
    assert_eq!(place(None, "control"), Some((1, 11)));
    assert_eq!(place(None, "log-level"), Some((3, 13)));
    assert_eq!(place(Some("redis"), "target"), Some((9, 10)));
    assert_eq!(place(Some("redis"), "bind"), Some((4, 8)));
    assert_eq!(place(Some("redis"), "timeout"), Some((6, 7)));
}

#[test]
fn garbage_ends_with_a_bounded_number_of_faults() {
    let Err(faults) = parse(&[file("f", &"x = 1\n".repeat(1000))]) else { panic!() };
    assert!(faults.faults.len() <= 100);
    assert!(faults.to_string().ends_with(" more faults"));
}

fn read(text: &str) -> Settings {
    match parse(&[file("spiped.toml", text)]) {
        Ok(Parsed { settings, .. }) => settings,
        Err(faults) => panic!("{faults}"),
    }
}

fn faults(text: &str) -> Vec<String> {
    faults_of(&[("spiped.toml", text)])
}

fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(name, text)| file(name, text)).collect();
    let faults = parse(&files).unwrap_err().to_string();
    faults
        .lines()
        .map(|line| line.strip_prefix("/etc/spiped/").unwrap_or(line).to_owned())
        .collect()
}

fn file(name: &str, text: &str) -> TextFile {
    TextFile { path: format!("/etc/spiped/{name}").into(), text: text.to_owned() }
}

const EXAMPLE: &str = include_str!("../../../packaging/spiped.toml");
const MANUAL: &str = include_str!("../../../man/spiped.toml.5");

#[test]
fn example_has_every_key_and_can_be_read_with_and_without_each() {
    assert_eq!(read(EXAMPLE).pipes.len(), 1);
    let uncommented = |line: &str| {
        let rest = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']));
        rest.unwrap_or(line).to_owned() + "\n"
    };
    let everything: String = EXAMPLE.lines().map(uncommented).collect();
    assert_eq!(read(&everything).pipes.len(), 4);
    for option in OPTIONS {
        let Some(name) = option.file else { continue };
        let said = everything.lines().any(|line| line.starts_with(&format!("{name} = ")));
        assert!(said, "the example does not mention {name}");
    }
}

#[test]
fn examples_of_the_manual_can_be_read() {
    let blocks = MANUAL.split(".Bd -literal -offset indent\n").skip(1);
    let pipes: Vec<_> =
        blocks.map(|block| read(block.split_once(".Ed\n").unwrap().0).pipes.len()).collect();
    assert_eq!(pipes, [1, 1, 1, 2, 2, 1]);
}

#[test]
fn what_the_example_says_of_defaults_is_so() {
    // What is true of the pipe alone stands in its own table.
    let process = EXAMPLE.split_once("[defaults]").unwrap().0;
    let defaults = EXAMPLE.split_once("[defaults]").unwrap().1.split_once("\n[pipe").unwrap().0;
    let uncomment = |text: &str, names: &[&str]| {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(rest)
                if !rest.starts_with(' ') && names.iter().all(|it| !rest.starts_with(it)) =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect::<String>()
    };
    let with =
        |process: &str, defaults: &str| read(&format!("{process}[defaults]{defaults}\n{REDIS}"));
    let usual = with(process, defaults);
    let examples = ["metrics", "user", "memory", "threads", "program"];
    let spelt_out = with(&uncomment(process, &examples), &uncomment(defaults, &[]));
    assert_eq!(usual, spelt_out);
}
