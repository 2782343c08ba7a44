use alloc::string::ToString;

use super::*;

const D: &str = "-d -s [::]:1 -t a:2 -k k";

#[test]
fn upstreams_command_lines_are_understood() {
    let pipe = spiped("-dF -s [0.0.0.0]:8025 -ta:80 -kkeys/k -n 0x10 -o1.5 -g -j -R");
    assert_eq!(pipe.mode, Mode::Decrypt);
    assert_eq!(pipe.source.to_string(), "[0.0.0.0]:8025");
    assert_eq!(pipe.connecting.target.to_string(), "a:80");
    assert_eq!(pipe.connecting.key, KeySource::File("keys/k".to_string()));
    assert_eq!(pipe.connecting.strength, Strength::Require);
    assert_eq!(pipe.connecting.timeout, Duration::from_millis(1500));
    assert!(!pipe.connecting.keep_alive);
    assert_eq!((pipe.max_connections, pipe.handshakes), (16, 64));
    assert_eq!(pipe.resolve_period, LONGEST);
}

#[test]
fn what_is_not_said_is_as_upstream() {
    let pipe = spiped("-e -s a:1 -t b:2 -k -");
    assert_eq!(pipe.mode, Mode::Encrypt);
    assert_eq!(pipe.connecting.key, KeySource::Stdin);
    assert_eq!(pipe.connecting.timeout, Duration::from_secs(5));
    assert_eq!(pipe.connecting.strength, Strength::Offer);
    assert_eq!((pipe.max_connections, pipe.resolve_period), (100, Duration::from_mins(1)));
    assert_eq!(spiped("-e -s a:1 -t b:2 -k k -o 0 -r 0"), spiped("-e -s a:1 -t b:2 -k k"));
}

#[test]
fn environment_is_as_good_as_arguments_which_win() {
    let variables = &[
        ("SPIPED_DECRYPT", "1"),
        ("SPIPED_SOURCE", "[::]:1"),
        ("SPIPED_TARGET", "a:2"),
        ("SPIPED_KEY", "k"),
        ("SPIPED_FOREGROUND", "0"),
    ];
    assert_eq!(read(Program::Spiped, "", variables), Ok(Settings::Spiped(spiped(D))));
    let words = "-e -s [::]:1 -t a:2 -k k";
    assert_eq!(read(Program::Spiped, words, variables), Ok(Settings::Spiped(spiped(words))));
}

#[test]
fn key_comes_from_the_environment_only() {
    let variables = &[("SPIPED_KEY_BASE64", "c2VjcmV0")];
    let Ok(Settings::Spipe(settings)) = read(Program::Spipe, "-t a:1", variables) else { panic!() };
    assert_eq!(settings.key, KeySource::Given(b"secret".to_vec().into()));
    assert!(!format!("{settings:?}").contains("secret"));
    assert!(matches!(
        read(Program::Spipe, "-t a:1 --key-base64 c2VjcmV0", &[]),
        Err(Stop::Usage(text)) if text.starts_with("illegal option -- --key-base64\n")
    ));
}

#[test]
fn mistakes_are_named() {
    for (words, fault) in [
        ("", "Missing option: -e or -d"),
        ("-d", "Missing option: -s"),
        ("-d -s a:1 -t b:1", "Missing option: -k"),
        ("-de", "Option contradicts another one: -e"),
        ("-d -d", "Option given more than once: -d"),
        ("-R -r 5", "Option contradicts another one: -r"),
        ("-x", "illegal option -- -x"),
        ("--decrypt=1", "illegal option -- --decrypt=1"),
        ("-k", "Missing argument to -k"),
        ("-d x", "Not an option: x"),
        ("-d -- x", "Not an option: x"),
        ("-p file", "WASI has no processes: -p"),
        ("--user u", "WASI has no users: --user"),
        ("-d -s a:1 -t b:1 -k k -f --kex x25519", "Option contradicts another one: -f"),
    ] {
        let stop = read(Program::Spiped, words, &[]).unwrap_err();
        assert!(matches!(&stop, Stop::Usage(text) if text.starts_with(fault)), "{words}: {stop:?}");
    }
    for (words, fault) in [
        ("-n x", "Error parsing argument: --max-connections x"),
        ("-o x", "Error parsing argument: --timeout x"),
        ("--kex x", "Unknown key exchange: x"),
        ("-b /x", "WASI has no Unix sockets: /x"),
    ] {
        let stop = read(Program::Spiped, &format!("{D} {words}"), &[]).unwrap_err();
        assert!(matches!(&stop, Stop::Value(text) if text.starts_with(fault)), "{words}: {stop:?}");
    }
    let source = "-d -s /run/socket -t a:2 -k k";
    let stop = read(Program::Spiped, source, &[]).unwrap_err();
    assert_eq!(stop, Stop::Value("WASI has no Unix sockets: /run/socket".to_string()));
}

#[test]
fn questions_are_answered() {
    for (program, answer) in [(Program::Spiped, "spiped 1.6.4"), (Program::Spipe, "spipe 1.6.4")] {
        let answer = Stop::UpstreamVersion(answer.to_string());
        assert_eq!(read(program, "-v -x", &[]), Err(answer));
    }
    let version = Stop::Answer(concat!("spiped ", env!("CARGO_PKG_VERSION")).to_string());
    assert_eq!(read(Program::Spipe, "--version", &[]), Err(version));
    let Err(Stop::Answer(help)) = read(Program::Spiped, "--help", &[]) else { panic!() };
    for option in &options::OPTIONS {
        assert!(
            option.is_secret || help.contains(&format!("--{}", option.name)),
            "{}",
            option.name
        );
    }
}

#[test]
fn spipe_is_told_by_word_name_or_variable() {
    let choose = |name: &str, words: &str, variables: &[(&str, &str)]| {
        let mut words = split(words);
        let program = Program::choose(name, &mut words, &owned(variables));
        program.map(|program| (program, words.len()))
    };
    assert_eq!(choose("spiped.wasm", "spipe -t x", &[]), Ok((Program::Spipe, 2)));
    assert_eq!(choose("bin/spipe", "-t x", &[]), Ok((Program::Spipe, 2)));
    assert_eq!(choose("", "-t x", &[("SPIPED_PROGRAM", "spipe")]), Ok((Program::Spipe, 2)));
    assert_eq!(choose("spiped.wasm", "-t spipe", &[]), Ok((Program::Spiped, 2)));
    assert!(choose("", "", &[("SPIPED_PROGRAM", "spiper")]).is_err());
}

#[test]
fn mistyped_variables_are_found() {
    let variables = owned(&[
        ("SPIPED_SUORCE", "a:1"),
        ("SPIPED_SOURCE", "a:1"),
        ("SPIPED_PORT_8025_TCP", "tcp://10.0.0.1:8025"),
        ("HOME", "/"),
    ]);
    assert_eq!(unknown_variables(&variables).collect::<Vec<_>>(), ["SPIPED_SUORCE"]);
}

fn spiped(words: &str) -> Pipe {
    match read(Program::Spiped, words, &[]).unwrap() {
        Settings::Spiped(pipe) => pipe,
        Settings::Spipe(_) => unreachable!(),
    }
}

fn read(program: Program, words: &str, variables: &[(&str, &str)]) -> Result<Settings, Stop> {
    Settings::read(program, &split(words), &owned(variables))
}

fn split(words: &str) -> Vec<String> {
    words.split_whitespace().map(String::from).collect()
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
