//! What was typed. Options are read from left to right; the first mistake or
//! question ends the reading, so `-v` wins over whatever comes after it.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;

use ipnet::IpNet;
use lexopt::{Arg, Parser};
use log::LevelFilter;

use crate::cli::number::{NumberFault, parse_float, parse_integer, parse_mode, parse_size};
use crate::cli::{Stop, UsageFault, ValueFault};
use crate::guest::{ForwardSecrecy, KeyExchange};
use crate::keys::NamedFile;
use crate::observe::Format;

/// The options of `spiped`, each as given or not.
#[allow(clippy::struct_excessive_bools, reason = "each is an option that was typed or not")]
#[derive(Debug, Default)]
pub struct SpipedArgs {
    /// What `spipe` takes too.
    pub common: CommonArgs,
    /// `--config`.
    pub config: Option<OsString>,
    /// `-e` or `-d`.
    pub mode: Option<Mode>,
    /// `-s`.
    pub source: Option<OsString>,
    /// `-D`.
    pub wait_for_dns: bool,
    /// `-F`.
    pub foreground: bool,
    /// `-n`.
    pub connection_limit: Option<u64>,
    /// `-p`.
    pub pid_file: Option<OsString>,
    /// `-r`, in seconds.
    pub resolve_period: Option<f64>,
    /// `-R`.
    pub resolve_once: bool,
    /// `--syslog`.
    pub syslog: bool,
    /// `-u`.
    pub identity: Option<OsString>,
    /// `--memory`, in bytes.
    pub memory: Option<u64>,
    /// `--socket-mode`.
    pub socket_mode: Option<u32>,
    /// `--socket-owner`.
    pub socket_owner: Option<OsString>,
    /// `--connections-per-key`.
    pub connections_per_key: Option<u64>,
    /// `--close-revoked`.
    pub close_revoked: bool,
    /// `--handshakes`.
    pub handshakes: Option<u64>,
    /// `--handshakes-per-source`.
    pub handshakes_per_source: Option<u64>,
    /// `--allow`: any number of them.
    pub allowed: Vec<IpNet>,
    /// `--threads`.
    pub threads: Option<u64>,
}

impl SpipedArgs {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    ///
    /// [`Stop`] at the first mistake or question.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Stop> {
        let mut args = Self::default();
        parse(words, |option| args.take(option))?;
        Ok(args)
    }

    pub(super) fn take(&mut self, mut option: Typed<'_>) -> Result<(), Stop> {
        let args = self;
        match option.name.as_str() {
            "--config" => option.text(&mut args.config),
            "-d" => option.choose(&mut args.mode, Mode::Decrypt),
            "-e" => option.choose(&mut args.mode, Mode::Encrypt),
            "-s" => option.text(&mut args.source),
            "-D" => option.flag(&mut args.wait_for_dns),
            "-F" => option.flag(&mut args.foreground),
            "-n" => option.number(&mut args.connection_limit, parse_integer),
            "-p" => option.text(&mut args.pid_file),
            "-r" => option.number(&mut args.resolve_period, parse_float),
            "-R" => option.flag(&mut args.resolve_once),
            "-u" => option.text(&mut args.identity),
            "--close-revoked" => option.flag(&mut args.close_revoked),
            "--connections-per-key" => option.number(&mut args.connections_per_key, parse_integer),
            "--memory" => option.number(&mut args.memory, parse_size),
            "--socket-mode" => option.number(&mut args.socket_mode, parse_mode),
            "--socket-owner" => option.text(&mut args.socket_owner),
            "--handshakes" => option.number(&mut args.handshakes, parse_integer),
            "--handshakes-per-source" => {
                option.number(&mut args.handshakes_per_source, parse_integer)
            }
            "--allow" => option.network(&mut args.allowed),
            "--threads" => option.number(&mut args.threads, parse_integer),
            "--syslog" => option.flag(&mut args.syslog),
            _ => args.common.take(option),
        }
    }
}

/// The options of `spipe`, each as given or not.
#[derive(Debug, Default)]
pub struct SpipeArgs {
    /// All of them are options of `spiped` too.
    pub common: CommonArgs,
}

impl SpipeArgs {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    ///
    /// [`Stop`] at the first mistake or question.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Stop> {
        let mut args = Self::default();
        parse(words, |option| args.common.take(option))?;
        Ok(args)
    }
}

/// The options of both programs, each as given or not.
#[derive(Debug, Default)]
pub struct CommonArgs {
    /// `-t`.
    pub target: Option<OsString>,
    /// `-k`: more than one only if each has a name.
    pub keys: Vec<OsString>,
    /// `--strict-keys`.
    pub strict_keys: bool,
    /// `--strict`.
    pub strict: bool,
    /// `-b`.
    pub bind: Option<OsString>,
    /// `-f` or `-g`.
    pub forward_secrecy: Option<ForwardSecrecy>,
    /// `--kex`.
    pub key_exchange: Option<KeyExchange>,
    /// `-j`.
    pub no_keepalive: bool,
    /// `-o`, in seconds.
    pub time_limit: Option<f64>,
    /// `--log-format`.
    pub log_format: Option<Format>,
    /// `--log-level`.
    pub log_level: Option<LevelFilter>,
}

impl CommonArgs {
    fn take(&mut self, mut option: Typed<'_>) -> Result<(), Stop> {
        match option.name.as_str() {
            "-t" => option.text(&mut self.target),
            "-k" => option.key(&mut self.keys),
            "-b" => option.text(&mut self.bind),
            "-f" => option.choose(&mut self.forward_secrecy, ForwardSecrecy::Omit),
            "-g" => option.choose(&mut self.forward_secrecy, ForwardSecrecy::Require),
            "-j" => option.flag(&mut self.no_keepalive),
            "-o" => option.number(&mut self.time_limit, parse_float),
            "--kex" => option.key_exchange(&mut self.key_exchange),
            "--strict" => option.flag(&mut self.strict),
            "--log-format" => option.log_format(&mut self.log_format),
            "--strict-keys" => option.flag(&mut self.strict_keys),
            "--log-level" => option.log_level(&mut self.log_level),
            "-v" => Err(Stop::Version),
            "--version" => option.question(Stop::LongVersion),
            "--help" => option.question(Stop::Help),
            _ => Err(UsageFault::IllegalOption(option.name).into()),
        }
    }
}

/// Which side of the daemon is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `-e`: the source is plain, the target is crypt.
    Encrypt,
    /// `-d`: the source is crypt, the target is plain.
    Decrypt,
}

fn parse(
    words: impl IntoIterator<Item = OsString>,
    take: impl FnMut(Typed<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    parse_with_files(words, take, |word| Err(leftover(&word)))
}

/// A word that belongs to no option, where none is expected.
pub(super) fn leftover(word: &OsStr) -> Stop {
    UsageFault::Leftover(word.to_string_lossy().into_owned()).into()
}

/// Reads options, and words that belong to none.
pub(super) fn parse_with_files(
    words: impl IntoIterator<Item = OsString>,
    mut take: impl FnMut(Typed<'_>) -> Result<(), Stop>,
    mut take_file: impl FnMut(OsString) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut parser = Parser::from_args(words);
    // As for getopt, the value in `-k=file` is `=file`.
    parser.set_short_equals(false);
    // The only error of `next` is a value nobody asked for, and `Typed`
    // refuses that before.
    while let Some(word) = parser.next().map_err(|_| Stop::Usage(None))? {
        let name = match word {
            Arg::Short(letter) => format!("-{letter}"),
            Arg::Long(name) => format!("--{name}"),
            Arg::Value(word) => {
                take_file(word)?;
                continue;
            }
        };
        take(Typed { name, parser: &mut parser })?;
    }
    Ok(())
}

/// One option as it stands on the command line.
pub(super) struct Typed<'a> {
    /// With its dashes.
    pub(super) name: String,
    parser: &'a mut Parser,
}

impl Typed<'_> {
    pub(super) fn flag(&mut self, slot: &mut bool) -> Result<(), Stop> {
        self.refuse_value()?;
        if *slot {
            return Err(self.repeated());
        }
        *slot = true;
        Ok(())
    }

    pub(super) fn question(&mut self, answer: Stop) -> Result<(), Stop> {
        self.refuse_value()?;
        Err(answer)
    }

    fn choose<T: PartialEq>(&mut self, slot: &mut Option<T>, choice: T) -> Result<(), Stop> {
        match slot {
            Some(earlier) if *earlier == choice => Err(self.repeated()),
            Some(_) => Err(UsageFault::Conflict(self.name.clone()).into()),
            None => {
                *slot = Some(choice);
                Ok(())
            }
        }
    }

    pub(super) fn text(&mut self, slot: &mut Option<OsString>) -> Result<(), Stop> {
        if slot.is_some() {
            return Err(self.repeated());
        }
        *slot = Some(self.value()?);
        Ok(())
    }

    fn key(&mut self, keys: &mut Vec<OsString>) -> Result<(), Stop> {
        let named = |text: &OsString| NamedFile::parse(text).is_some();
        if !keys.iter().all(named) {
            return Err(self.repeated());
        }
        let key = self.value()?;
        if !keys.is_empty() && !named(&key) {
            return Err(self.repeated());
        }
        keys.push(key);
        Ok(())
    }

    pub(super) fn number<T>(
        &mut self,
        slot: &mut Option<T>,
        parse: fn(&str) -> Result<T, NumberFault>,
    ) -> Result<(), Stop> {
        if slot.is_some() {
            return Err(self.repeated());
        }
        let value = self.value()?.to_string_lossy().into_owned();
        match parse(&value) {
            Ok(number) => *slot = Some(number),
            Err(fault) => {
                let option = self.name.clone();
                return Err(ValueFault::Number { option, value, fault }.into());
            }
        }
        Ok(())
    }

    fn key_exchange(&mut self, slot: &mut Option<KeyExchange>) -> Result<(), Stop> {
        self.word(slot, |value| match value {
            "modp2048" => Ok(KeyExchange::Modp2048),
            "x25519" => Ok(KeyExchange::X25519),
            other => Err(ValueFault::KeyExchange(other.into())),
        })
    }

    fn log_format(&mut self, slot: &mut Option<Format>) -> Result<(), Stop> {
        self.word(slot, |value| match value {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            other => Err(ValueFault::LogFormat(other.into())),
        })
    }

    fn log_level(&mut self, slot: &mut Option<LevelFilter>) -> Result<(), Stop> {
        self.word(slot, parse_log_level)
    }

    fn network(&mut self, networks: &mut Vec<IpNet>) -> Result<(), Stop> {
        let text = self.value()?.to_string_lossy().into_owned();
        let address = |_| text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(address);
        networks.push(network.map_err(|_| ValueFault::Network(text))?);
        Ok(())
    }

    fn word<T>(
        &mut self,
        slot: &mut Option<T>,
        parse: fn(&str) -> Result<T, ValueFault>,
    ) -> Result<(), Stop> {
        if slot.is_some() {
            return Err(self.repeated());
        }
        *slot = Some(parse(&self.value()?.to_string_lossy())?);
        Ok(())
    }

    fn value(&mut self) -> Result<OsString, Stop> {
        self.parser.value().map_err(|_| UsageFault::MissingValue(self.name.clone()).into())
    }

    /// Only a long option can carry a value it does not want: what follows a
    /// short one is more short ones.
    fn refuse_value(&mut self) -> Result<(), Stop> {
        if self.name.starts_with("--") && self.parser.optional_value().is_some() {
            return Err(UsageFault::IllegalOption(self.name.clone()).into());
        }
        Ok(())
    }

    fn repeated(&self) -> Stop {
        UsageFault::Repeated(self.name.clone()).into()
    }
}

pub(super) fn parse_log_level(word: &str) -> Result<LevelFilter, ValueFault> {
    match word {
        "error" => Ok(LevelFilter::Error),
        "warn" => Ok(LevelFilter::Warn),
        "info" => Ok(LevelFilter::Info),
        "debug" => Ok(LevelFilter::Debug),
        other => Err(ValueFault::LogLevel(other.into())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn flags_pack_and_values_stick() {
        let args = spiped(&["-dFkfile", "-s", "a:1", "-t-1:2"]).unwrap();
        assert_eq!(args.mode, Some(Mode::Decrypt));
        assert!(args.foreground);
        assert_eq!(args.common.keys, ["file"]);
        assert_eq!(args.source, Some("a:1".into()));
        assert_eq!(args.common.target, Some("-1:2".into()));
    }

    #[test]
    fn next_word_is_the_value_whatever_it_looks_like() {
        let args = spiped(&["-n", "-1", "-k", "-", "-p", "--", "-b=x"]).unwrap();
        assert_eq!(args.connection_limit, Some(u64::MAX));
        assert_eq!(args.common.keys, ["-"]);
        assert_eq!(args.pid_file, Some("--".into()));
        assert_eq!(args.common.bind, Some("=x".into()));
    }

    #[test]
    fn every_option_counts_once() {
        for words in [
            &["-F", "-F"][..],
            &["-FF"],
            &["-ee"],
            &["-g", "-g"],
            &["-s", "a:1", "-s", "a:1"],
            &["-n", "1", "-n", "1"],
            &["-o", "1", "-o", "1"],
            &["-k", "key", "-k", "key"],
            &["-k", "a=1", "-k", "key"],
            &["-k", "key", "-k", "a=1"],
            &["--syslog", "--syslog"],
            &["--log-level", "info", "--log-level=info"],
            &["--kex", "x25519", "--kex=x25519"],
        ] {
            let stop = spiped(words).unwrap_err();
            assert!(matches!(stop, Stop::Usage(Some(UsageFault::Repeated(_)))), "{words:?}");
        }
    }

    #[test]
    fn keys_with_names_may_be_several() {
        let args = spiped(&["-k", "a=1", "-kb=2"]).unwrap();
        assert_eq!(args.common.keys, ["a=1", "b=2"]);
    }

    #[test]
    fn modes_exclude_each_other_and_so_do_f_and_g() {
        for [first, second] in [["-d", "-e"], ["-e", "-d"], ["-f", "-g"], ["-g", "-f"]] {
            assert_eq!(
                spiped(&[first, second]).unwrap_err(),
                UsageFault::Conflict(second.into()).into()
            );
        }
    }

    #[test]
    fn unknown_options_are_named() {
        for (words, name) in [
            (&["-x"][..], "-x"),
            (&["-dx"], "-x"),
            (&["-h"], "-h"),
            (&["-1"], "-1"),
            (&["--foo"], "--foo"),
            (&["--sys"], "--sys"),
            (&["--syslog=x"], "--syslog"),
            (&["--help=x"], "--help"),
        ] {
            let fault = UsageFault::IllegalOption(name.into());
            assert_eq!(spiped(words).unwrap_err(), fault.into());
        }
        assert_eq!(spipe(&["-n", "1"]).unwrap_err(), UsageFault::IllegalOption("-n".into()).into());
    }

    #[test]
    fn missing_value_is_named() {
        let fault = UsageFault::MissingValue("-n".into());
        assert_eq!(spiped(&["-F", "-n"]).unwrap_err(), fault.into());
        let fault = UsageFault::MissingValue("--log-level".into());
        assert_eq!(spipe(&["--log-level"]).unwrap_err(), fault.into());
    }

    #[test]
    fn leftover_words_are_refused() {
        for words in [&["foo"][..], &["-"], &["--", "-v"], &["-F", "foo", "-v"]] {
            let stop = spiped(words).unwrap_err();
            assert!(matches!(stop, Stop::Usage(Some(UsageFault::Leftover(_)))), "{words:?}");
        }
        assert!(spiped(&["-F", "--"]).is_ok());
    }

    #[test]
    fn first_question_or_mistake_wins() {
        assert_eq!(spiped(&["-v", "-x"]).unwrap_err(), Stop::Version);
        assert_eq!(spiped(&["-Fv", "-n", "x"]).unwrap_err(), Stop::Version);
        assert_eq!(spipe(&["--help", "-v"]).unwrap_err(), Stop::Help);
        assert_eq!(spipe(&["--version", "-x"]).unwrap_err(), Stop::LongVersion);
        assert_ne!(spiped(&["-x", "-v"]).unwrap_err(), Stop::Version);
    }

    #[test]
    fn bad_number_shows_option_and_value() {
        let stop = spiped(&["-n", "abc", "-v"]).unwrap_err();
        let Stop::Value(fault) = stop else { panic!("{stop:?}") };
        assert_eq!(fault.to_string(), "Error parsing argument: -n abc: Invalid argument");
    }

    #[test]
    fn key_exchange_is_one_of_two() {
        let args = spipe(&["--kex=x25519"]).unwrap();
        assert_eq!(args.common.key_exchange, Some(KeyExchange::X25519));
        let args = spiped(&["--kex", "modp2048"]).unwrap();
        assert_eq!(args.common.key_exchange, Some(KeyExchange::Modp2048));
        let fault = ValueFault::KeyExchange("X25519".into());
        assert_eq!(spipe(&["--kex", "X25519"]).unwrap_err(), fault.into());
    }

    #[test]
    fn log_format_is_one_of_two() {
        let args = spipe(&["--log-format=json"]).unwrap();
        assert_eq!(args.common.log_format, Some(Format::Json));
        let fault = ValueFault::LogFormat("xml".into());
        assert_eq!(spiped(&["--log-format", "xml"]).unwrap_err(), fault.into());
    }

    #[test]
    fn log_level_is_one_of_four() {
        let args = spipe(&["--log-level=debug"]).unwrap();
        assert_eq!(args.common.log_level, Some(LevelFilter::Debug));
        assert!(spipe(&["--log-level=loud"]).is_err());
    }

    fn spiped(words: &[&str]) -> Result<SpipedArgs, Stop> {
        SpipedArgs::parse(words.iter().map(OsString::from))
    }

    fn spipe(words: &[&str]) -> Result<SpipeArgs, Stop> {
        SpipeArgs::parse(words.iter().map(OsString::from))
    }
}
