//! From what was typed to settings: defaults filled in, conflicts refused,
//! addresses understood. Nothing later looks at options again, and nothing here
//! looks at the system.

use std::ffi::{OsStr, OsString};

use log::LevelFilter;

use crate::cli::args::{CommonArgs, Mode, SpipeArgs, SpipedArgs};
use crate::cli::number::parse_integer;
use crate::cli::quantity::{
    HANDSHAKES_MAX, THREADS_MAX, TIME_LIMIT, connection_limit, connections_per_key, count,
    duration, resolve_period,
};
use crate::cli::{Stop, UsageFault, ValueFault};
use crate::config::{
    Admission, ConnectionSettings, Launch, Origin, PipeSettings, ProcessSettings, Settings,
    SpipeSettings,
};
use crate::guest::{ClientConfig, Config, ForwardSecrecy, KeyExchange, ServerConfig, Side};
use crate::keys::file::KeyFile;
use crate::keys::{KeyPolicy, KeySource, NamedFile};
use crate::net::address::{Address, AddressError};
use crate::net::socket::KeepAlive;
use crate::net::targets::Balance;
use crate::process::privileges::IdentityName;

impl Settings {
    pub(crate) fn new(args: SpipedArgs) -> Result<Self, Stop> {
        let mode = args.mode.ok_or(UsageFault::Required("-e or -d"))?;
        let source = args.source.ok_or(UsageFault::Required("-s"))?;
        let resolve_period = resolve_period(args.resolve_period, args.resolve_once)?;
        let pid_file = args.pid_file.unwrap_or_else(|| {
            let mut name = source.clone();
            name.push(".pid");
            name
        });
        let log_level = log_level(&args.common);
        let log_format = args.common.log_format.unwrap_or_default();
        let strict = args.common.strict;
        let of_a_server = [
            ("--connections-per-key", args.connections_per_key),
            ("--handshakes", args.handshakes),
            ("--handshakes-per-source", args.handshakes_per_source),
        ];
        if mode == Mode::Encrypt
            && let Some((option, _)) = of_a_server.iter().find(|(_, given)| given.is_some())
        {
            return Err(UsageFault::Conflict((*option).to_owned()).into());
        }
        // Options that are missing or contradict each other come first, then
        // the values.
        args.common.require_all()?;
        let source = address("-s", &source, Address::parse)?;
        let is_unix = matches!(source, Address::Unix(_));
        for (given, option) in [
            (args.socket_mode.is_some(), "--socket-mode"),
            (args.socket_owner.is_some(), "--socket-owner"),
        ] {
            if given && !is_unix {
                return Err(UsageFault::NotUnix(option).into());
            }
        }

        let connection = ConnectionSettings::new(args.common, side(mode))?;
        let pipe = PipeSettings {
            name: format!("{source} -> {}", connection.targets[0]).into(),
            sources: vec![source],
            connection,
            wait_for_dns: args.wait_for_dns,
            connection_limit: connection_limit(args.connection_limit),
            socket_mode: args.socket_mode,
            socket_owner: args.socket_owner.map(|text| identity(&text)).transpose()?,
            resolve_period,
            key_policy: KeyPolicy {
                connections_per_key: connections_per_key(args.connections_per_key),
                close_revoked: args.close_revoked,
            },
            admission: Admission {
                handshakes: count("--handshakes", args.handshakes, HANDSHAKES_MAX)?,
                handshakes_per_source: count(
                    "--handshakes-per-source",
                    args.handshakes_per_source,
                    HANDSHAKES_MAX,
                )?,
                allowed: args.allowed,
            },
            proxy_from: Vec::new(),
        };
        let process = ProcessSettings {
            launch: if args.foreground {
                Launch::Foreground
            } else {
                Launch::Daemon { pid_file: pid_file.into(), syslog: args.syslog }
            },
            memory: args.memory,
            threads: count("--threads", args.threads, THREADS_MAX)?,
            identity: args.identity.map(|text| identity(&text)).transpose()?,
            strict,
            log_level,
            log_format,
            control: None,
            metrics: None,
            drain: None,
        };
        Ok(Self { origin: Origin::CommandLine, process, pipes: vec![pipe] })
    }
}

impl SpipeSettings {
    pub(crate) fn new(args: SpipeArgs) -> Result<Self, Stop> {
        args.common.require_all()?;
        Ok(Self {
            strict: args.common.strict,
            log_level: log_level(&args.common),
            log_format: args.common.log_format.unwrap_or_default(),
            connection: ConnectionSettings::new(args.common, Side::Client)?,
        })
    }
}

impl ConnectionSettings {
    fn new(args: CommonArgs, side: Side) -> Result<Self, Stop> {
        let target = args.target.ok_or(UsageFault::Required("-t"))?;
        let bind = args.bind.map(|text| address("-b", &text, Address::parse_bind));
        Ok(Self {
            config: config(side, args.key_exchange, args.forward_secrecy)?,
            targets: vec![address("-t", &target, Address::parse)?],
            balance: Balance::InOrder,
            bind: bind.transpose()?,
            keys: key_source(&args.keys, side)?,
            strict_keys: args.strict_keys,
            keepalive: (!args.no_keepalive).then(KeepAlive::default),
            user_timeout: None,
            time_limit: duration("-o", args.time_limit, TIME_LIMIT)?,
            idle_limit: None,
            half_closed_limit: None,
            proxy_to: None,
        })
    }
}

impl CommonArgs {
    fn require_all(&self) -> Result<(), UsageFault> {
        if self.target.is_none() {
            return Err(UsageFault::Required("-t"));
        }
        if self.keys.is_empty() {
            return Err(UsageFault::Required("-k"));
        }
        Ok(())
    }
}

/// The one place where the mode decides about the protocol.
fn side(mode: Mode) -> Side {
    match mode {
        Mode::Encrypt => Side::Client,
        Mode::Decrypt => Side::Server,
    }
}

fn config(
    side: Side,
    key_exchange: Option<KeyExchange>,
    forward_secrecy: Option<ForwardSecrecy>,
) -> Result<Config, UsageFault> {
    let forward_secrecy = forward_secrecy.unwrap_or(ForwardSecrecy::Offer);
    if (key_exchange, forward_secrecy) == (Some(KeyExchange::X25519), ForwardSecrecy::Omit) {
        return Err(UsageFault::OmitWithX25519);
    }
    Ok(match (side, key_exchange) {
        // Without a choice: what every spiped understands.
        (Side::Client, None | Some(KeyExchange::Modp2048)) => {
            Config::Client(ClientConfig::Modp2048(forward_secrecy))
        }
        (Side::Client, Some(KeyExchange::X25519)) => Config::Client(ClientConfig::X25519),
        (Side::Server, None) => Config::Server(ServerConfig::Any(forward_secrecy)),
        (Side::Server, Some(KeyExchange::Modp2048)) => {
            Config::Server(ServerConfig::Modp2048(forward_secrecy))
        }
        (Side::Server, Some(KeyExchange::X25519)) => Config::Server(ServerConfig::X25519),
    })
}

/// Only a server takes several keys: a client would not know which to use.
fn key_source(texts: &[OsString], side: Side) -> Result<KeySource, UsageFault> {
    if let [text] = texts {
        if text == "-" {
            return Ok(KeySource::One(KeyFile::Stdin));
        }
        let whole = match side {
            Side::Client => KeySource::One(KeyFile::Path(text.into())),
            Side::Server => KeySource::FileOrDirectory(text.into()),
        };
        return Ok(match NamedFile::parse(text) {
            Some(file) => KeySource::WholeOrNamed {
                word: text.into(),
                whole: Box::new(whole),
                named: Box::new(KeySource::Named(vec![file])),
            },
            None => whole,
        });
    }
    let files = texts.iter().map(|text| NamedFile::parse(text)).collect::<Option<Vec<_>>>();
    match (files, side) {
        (Some(files), Side::Server) => Ok(KeySource::Named(files)),
        (Some(_) | None, _) => Err(UsageFault::Repeated("-k".to_owned())),
    }
}

pub(super) fn address(
    option: &'static str,
    text: &OsStr,
    parse: fn(&OsStr) -> Result<Address, AddressError>,
) -> Result<Address, Stop> {
    parse(text).map_err(|fault| {
        if matches!(fault, AddressError::Empty | AddressError::NoHost(_)) {
            UsageFault::Address(fault).into()
        } else {
            ValueFault::Address { option, fault }.into()
        }
    })
}

fn identity(text: &OsStr) -> Result<IdentityName, ValueFault> {
    let number = |text: &str| parse_integer(text).ok().and_then(|id| u32::try_from(id).ok());
    Ok(IdentityName::parse(&text.to_string_lossy(), number)?)
}

fn log_level(args: &CommonArgs) -> LevelFilter {
    args.log_level.unwrap_or(LevelFilter::Warn)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use crate::observe::Format;
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::cli::{self, Wanted};

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
        assert_eq!(fault, UsageFault::Conflict("--connections-per-key".into()).into());
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
            assert_eq!(spiped(text).unwrap_err(), UsageFault::Required(name).into());
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
        let identity = |text: &str| identity(text.as_ref()).unwrap().look_up();
        for (text, same) in [("0x10:020", "16:16"), ("+70000", "70000"), (" 70000", "70000")] {
            assert_eq!(identity(text), identity(same), "{text}");
        }
        identity("-1").unwrap_err();
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
