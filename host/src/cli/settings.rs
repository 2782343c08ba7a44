//! From what was typed to what will be done: the first thing that is wrong, in
//! the words of a command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::cli::args::Args;
use crate::cli::{Stop, UsageFault, ValueFault, Wanted};
use crate::config::build::Builder;
use crate::config::given::{Given, Value};
use crate::config::number::NumberFault;
use crate::config::options::{Key, OPTIONS, Opt};
use crate::config::problem::{Problem, Wrong};
use crate::config::{FileWords, Origin, Settings, SpipeSettings};
use crate::net::address::{Address, AddressError};

/// What `spiped` was told.
pub(super) fn spiped(args: Args) -> Result<Wanted, Stop> {
    if args.given.get(Key::Config).is_some() {
        return file(args.given).map(Wanted::File);
    }
    let mut builder = Builder::new(vec![&args.given]);
    let pipe = builder.pipe(None);
    let process = builder.process(|| pid_file(&args.given));
    refuse_first(builder)?;
    let settings = Settings { origin: Origin::CommandLine, process, pipes: vec![pipe] };
    Ok(Wanted::Settings(Box::new(settings)))
}

/// What `spipe` was told.
pub(super) fn spipe(args: &Args) -> Result<SpipeSettings, Stop> {
    let mut builder = Builder::new(vec![&args.given]);
    let settings = builder.spipe();
    refuse_first(builder)?;
    Ok(settings)
}

fn file(mut given: Given<String>) -> Result<FileWords, Stop> {
    let mut path = |key| match given.take(key).map(|said| said.value) {
        Some(Value::Text(text)) => Some(PathBuf::from(text)),
        _ => None,
    };
    let (config, pid_file) = (path(Key::Config), path(Key::PidFile));
    let foreground = given.take(Key::Foreground).is_some();
    if let Some(other) = given.iter().next() {
        return Err(UsageFault::NotWithConfig(other.place.clone()).into());
    }
    Ok(FileWords { path: config.unwrap_or_default(), foreground, pid_file })
}

/// The text given to `-s`, and `.pid`.
fn pid_file(given: &Given<String>) -> PathBuf {
    let mut name = match given.get(Key::Source).map(|said| &said.value) {
        Some(Value::Texts(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => OsString::new(),
    };
    name.push(".pid");
    name.into()
}

fn refuse_first(builder: Builder<'_, String>) -> Result<(), Stop> {
    builder.problems().into_iter().next().map_or(Ok(()), |problem| Err(stop(problem)))
}

fn stop(problem: Problem<String>) -> Stop {
    let option = problem.place.unwrap_or_else(|| required(problem.key));
    match problem.wrong {
        Wrong::Missing => UsageFault::Required(option).into(),
        Wrong::OnlyDecrypt => UsageFault::OnlyDecrypt(option).into(),
        Wrong::ResolveOnce => UsageFault::Conflict(option, "-r".into()).into(),
        Wrong::NoKeepAlive => UsageFault::Conflict(option, "-j".into()).into(),
        Wrong::OnlyUnixSource => UsageFault::NotUnix(option).into(),
        Wrong::OmitWithX25519 => UsageFault::OmitWithX25519.into(),
        Wrong::SeveralKeys => UsageFault::Repeated(option).into(),
        Wrong::NotATime(seconds) => UsageFault::NotATime(option, seconds).into(),
        Wrong::OutOfRange { value, .. } => {
            ValueFault::Number { option, value, fault: NumberFault::OutOfRange }.into()
        }
        Wrong::Address(fault) => address_fault(option, fault),
        Wrong::MetricsAddress(address) => ValueFault::MetricsAddress(address).into(),
        Wrong::Identity(fault) => ValueFault::Identity { option, fault }.into(),
    }
}

/// How an option that is missing can be written.
fn required(key: Key) -> String {
    let spellings = OPTIONS.iter().filter(|option| option.key == key).map(Opt::spelling);
    spellings.filter(|spelling| !spelling.is_empty()).collect::<Vec<_>>().join(" or ")
}

/// Reads the address that was given to this option.
pub(super) fn address(
    option: &str,
    text: &OsStr,
    parse: fn(&OsStr) -> Result<Address, AddressError>,
) -> Result<Address, Stop> {
    parse(text).map_err(|fault| address_fault(option.to_owned(), fault))
}

fn address_fault(option: String, fault: AddressError) -> Stop {
    if matches!(fault, AddressError::Empty | AddressError::NoHost(_)) {
        UsageFault::Address(fault).into()
    } else {
        ValueFault::Address { option, fault }.into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use crate::observe::Format;
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::cli;
    use crate::config::settings::{ConnectionSettings, ProcessSettings};
    use crate::config::{Admission, Launch, PipeSettings};
    use crate::guest::{ClientConfig, Config, ForwardSecrecy, ServerConfig};
    use crate::keys::file::KeyFile;
    use crate::keys::{KeyPolicy, KeySource};
    use crate::net::socket::KeepAlive;
    use crate::net::targets::Balance;
    use log::LevelFilter;

    #[test]
    fn defaults_are_those_of_upstream() {
        let settings = spiped("-d -s [127.0.0.1]:1 -t localhost:2 -k key").unwrap();
        let pipe = PipeSettings {
            name: "[127.0.0.1]:1 -> localhost:2".into(),
            sources: vec!["[127.0.0.1]:1".parse().unwrap()],
            connection: ConnectionSettings {
                config: Config::Server(ServerConfig::Any(ForwardSecrecy::Offer)),
                targets: vec!["localhost:2".parse().unwrap()],
                balance: Balance::InOrder,
                bind: None,
                keys: KeySource::FileOrDirectory("key".into()),
                strict_keys: false,
                keepalive: Some(KeepAlive::default()),
                user_timeout: None,
                time_limit: Duration::from_secs(5),
                idle_limit: None,
                half_closed_limit: None,
                proxy_to: None,
            },
            wait_for_dns: false,
            connection_limit: NonZeroUsize::new(100),
            socket_mode: None,
            socket_owner: None,
            resolve_period: Some(Duration::from_mins(1)),
            key_policy: KeyPolicy::default(),
            admission: Admission::default(),
            proxy_from: Vec::new(),
        };
        let process = ProcessSettings {
            launch: Launch::Daemon { pid_file: "[127.0.0.1]:1.pid".into(), syslog: false },
            memory: None,
            threads: None,
            identity: None,
            strict: false,
            log_level: LevelFilter::Warn,
            log_format: Format::Text,
            control: None,
            metrics: None,
            drain: None,
            program: None,
        };
        assert_eq!(settings, Settings { origin: Origin::CommandLine, process, pipes: vec![pipe] });
    }

    #[test]
    fn every_option_reaches_the_settings() {
        let settings = spiped(
            "-e -s /s -t /t -k - -b [::1] -D -f -j -n 0x10 -o 1.5 -p p -r 2 --syslog \
             -u 1:2 --log-level info --close-revoked --strict-keys --memory 64M --socket-mode 660 \
             --socket-owner 3",
        )
        .unwrap();
        let Settings { process, pipes, .. } = settings;
        let pipe = &pipes[0];
        let weak = Config::Client(ClientConfig::Modp2048(ForwardSecrecy::Omit));
        assert_eq!(pipe.connection.config, weak);
        assert_eq!(pipe.connection.keys, KeySource::One(KeyFile::Stdin));
        assert!(pipe.key_policy.close_revoked);
        assert!(pipe.connection.strict_keys);
        assert_eq!(pipe.connection.bind, Some(Address::parse_bind("[::1]".as_ref()).unwrap()));
        assert!(pipe.wait_for_dns);
        assert_eq!(pipe.connection.keepalive, None);
        assert_eq!(pipe.connection_limit, NonZeroUsize::new(16));
        assert_eq!(pipe.connection.time_limit, Duration::from_millis(1500));
        assert_eq!(process.launch, Launch::Daemon { pid_file: "p".into(), syslog: true });
        assert_eq!(pipe.resolve_period, Some(Duration::from_secs(2)));
        assert!(process.identity.is_some());
        assert_eq!(process.memory, Some(64 << 20));
        assert_eq!(pipe.socket_mode, Some(0o660));
        assert!(pipe.socket_owner.is_some());
        assert_eq!(process.log_level, LevelFilter::Info);
    }

    #[test]
    fn only_a_server_takes_several_keys_and_a_limit_for_each() {
        let server = "-d -s a:1 -t b:1 -k a=1 -k b=2 --connections-per-key";
        let pipe = only_pipe(&format!("{server} 3"));
        let KeySource::Named(files) = pipe.connection.keys else { panic!() };
        assert_eq!(files.iter().map(|file| &*file.path).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(pipe.key_policy.connections_per_key, NonZeroUsize::new(3));
        assert_eq!(only_pipe(&format!("{server} 0")).key_policy, KeyPolicy::default());
        let fault = with("--connections-per-key 3").unwrap_err();
        assert_eq!(fault, UsageFault::OnlyDecrypt("--connections-per-key".into()).into());
        for client in ["-e -s a:1 -t b:1 -k a=1 -k b=2", "-k a=1 -e -s a:1 -t b:1 -k b=2"] {
            assert_eq!(spiped(client).unwrap_err(), UsageFault::Repeated("-k".into()).into());
        }
    }

    #[test]
    fn client_key_may_have_a_name() {
        let pipe = only_pipe("-e -s a:1 -t b:1 -k a=1");
        let KeySource::WholeOrNamed { word, whole, named } = pipe.connection.keys else { panic!() };
        assert_eq!(*whole, KeySource::One(KeyFile::Path(word)));
        assert!(matches!(*named, KeySource::Named(files) if files.len() == 1));
    }

    #[test]
    fn spipe_is_always_the_client() {
        let words = "-t localhost:1 -k key -g".split_whitespace();
        let settings = cli::spipe(words.map(OsString::from)).unwrap();
        let config = Config::Client(ClientConfig::Modp2048(ForwardSecrecy::Require));
        assert_eq!(settings.connection.config, config);
    }

    #[test]
    fn x25519_goes_with_everything_but_weakness() {
        for mode in ["-e", "-d"] {
            for strength in ["", "-g"] {
                let settings =
                    spiped(&format!("{mode} -s a:1 -t b:1 -k k --kex x25519 {strength}"));
                assert!(settings.unwrap().pipes[0].connection.config.is_x25519_only());
            }
            let weak = spiped(&format!("{mode} -s a:1 -t b:1 -k k --kex x25519 -f"));
            assert_eq!(weak.unwrap_err(), UsageFault::OmitWithX25519.into());
        }
    }

    #[test]
    fn foreground_ignores_pid_file_and_syslog() {
        let settings = with("-F -p file --syslog").unwrap();
        assert_eq!(settings.process.launch, Launch::Foreground);
    }

    #[test]
    fn missing_options_are_named() {
        for (text, name) in [
            ("-s a:1 -t b:1 -k k", "-e or -d"),
            ("-e -t b:1 -k k", "-s"),
            ("-e -s a:1 -k k", "-t"),
            ("-e -s a -t b:1", "-k"),
        ] {
            assert_eq!(spiped(text).unwrap_err(), UsageFault::Required(name.into()).into());
        }
    }

    #[test]
    fn address_without_host_is_a_usage_fault_and_others_are_not() {
        for text in ["-s a:1 -t :1", "-s ::1:1 -t b:1", "-s a:1 -t b:1 -b :1"] {
            assert!(matches!(
                spiped(&format!("-e -k k {text}")),
                Err(Stop::Usage(Some(UsageFault::Address(_))))
            ));
        }
        let Err(Stop::Value(fault)) = spiped("-e -s a -t b:1 -k k -D") else { panic!("accepted") };
        assert_eq!(
            fault.to_string(),
            "Address must contain port number: a (write a:PORT) (given to -s)"
        );
    }

    #[test]
    fn no_user_is_looked_up_here() {
        let identity = with("-u no-such-user-here:").map(|settings| settings.process.identity);
        let Err(Stop::Value(fault)) = identity else { panic!("accepted") };
        assert!(fault.to_string().ends_with(" (given to -u)"), "{fault}");
        assert!(with("-u no-such-user-here").unwrap().process.identity.is_some());
    }

    #[test]
    fn user_numbers_are_read_as_the_c_library_does() {
        let identity = |text: &str| {
            let settings = with(&format!("-u {text}"))?;
            Ok(settings.process.identity.unwrap().look_up())
        };
        for (text, same) in [("0x10:020", "16:16"), ("+70000", "70000")] {
            assert_eq!(identity(text), identity(same), "{text}");
        }
        identity("-1").unwrap().unwrap_err();
        let fault = identity("0:").map(drop).unwrap_err();
        assert!(
            matches!(fault, Stop::Value(ValueFault::Identity { option, .. }) if option == "-u")
        );
    }

    #[test]
    fn zero_means_the_default_of_a_letter_and_never_in_its_long_form() {
        let period = |words: &str| with(words).map(|it| it.pipes[0].resolve_period);
        let minute = Some(Duration::from_mins(1));
        for (words, expected) in [
            ("", minute),
            ("-r 0", minute),
            ("-r 1e-9", Some(Duration::from_millis(100))),
            ("-R", None),
            ("-R -r 60", None),
            ("-R -r 0", None),
            ("--resolve-period=0", None),
            ("--resolve-period=never", None),
            ("--resolve-period=2m", Some(Duration::from_mins(2))),
        ] {
            assert_eq!(period(words), Ok(expected), "{words}");
        }
        assert_eq!(period("-R -r 61"), Err(UsageFault::Conflict("-R".into(), "-r".into()).into()));
        let fault = UsageFault::NotATime("-r".into(), "NaN".into());
        assert_eq!(period("-R -r nan"), Err(fault.into()));
        let limit = |words: &str| with(words).map(|it| it.pipes[0].connection.time_limit);
        assert_eq!(limit("-o 0"), Ok(Duration::from_secs(5)));
        assert_eq!(limit("-o inf"), limit("--timeout never"));
        assert!(matches!(limit("--timeout 0"), Err(Stop::Value(ValueFault::Number { .. }))));
    }

    #[test]
    fn new_words_reach_the_settings() {
        let settings = spiped(
            "--decrypt --source a:1 --source b:1 --target c:1 --target d:1 --key k --balance spread \
             --keep-alive-idle 2m --keep-alive-interval 5s --keep-alive-count 3 \
             --user-timeout 30s --idle-timeout 1h --half-closed-timeout 10m --proxy-to v2 \
             --proxy-from 192.0.2.0/24 --control /c --metrics 127.0.0.1:9 --drain 30s --program /p",
        );
        let Settings { process, mut pipes, .. } = settings.unwrap();
        let PipeSettings { sources, connection, proxy_from, .. } = pipes.remove(0);
        assert_eq!(sources.len(), 2);
        assert_eq!(connection.targets.len(), 2);
        assert_eq!(connection.balance, Balance::Spread);
        let (idle, interval) = (Duration::from_mins(2), Duration::from_secs(5));
        assert_eq!(connection.keepalive, Some(KeepAlive { idle, interval, count: 3 }));
        assert_eq!(connection.user_timeout, Some(Duration::from_secs(30)));
        assert_eq!(connection.idle_limit, Some(Duration::from_hours(1)));
        assert_eq!(connection.half_closed_limit, Some(Duration::from_mins(10)));
        assert!(connection.proxy_to.is_some());
        assert_eq!(proxy_from.len(), 1);
        assert_eq!(process.control, Some("/c".into()));
        assert!(process.metrics.is_some());
        assert_eq!(process.drain, Some(Duration::from_secs(30)));
        assert_eq!(process.program, Some("/p".into()));
    }

    #[test]
    fn file_stands_alone() {
        let words = |line: &str| cli::spiped(line.split_whitespace().map(OsString::from));
        let file = FileWords { path: "f".into(), foreground: true, pid_file: Some("p".into()) };
        assert_eq!(words("-F --config f -p p"), Ok(Wanted::File(file)));
        let fault = UsageFault::NotWithConfig("-n".into());
        assert_eq!(words("-n 1 --config f"), Err(fault.into()));
    }

    fn only_pipe(text: &str) -> PipeSettings {
        spiped(text).unwrap().pipes.remove(0)
    }

    fn with(more: &str) -> Result<Settings, Stop> {
        spiped(&format!("-e -s a:1 -t b:1 -k k {more}"))
    }

    fn spiped(text: &str) -> Result<Settings, Stop> {
        match cli::spiped(text.split_whitespace().map(OsString::from))? {
            Wanted::Settings(settings) => Ok(*settings),
            Wanted::File(_) => panic!("a file"),
        }
    }
}
