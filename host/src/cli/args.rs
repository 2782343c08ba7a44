//! What was typed. Options are read from left to right; the first mistake or
//! question ends the reading, so `-v` wins over whatever comes after it.

use std::ffi::OsString;

use crate::cli::typed::{Typed, leftover, parse_with_files};
use crate::cli::{Program, Stop, UsageFault};
use crate::config::given::{Given, Said, Value};
use crate::config::options::{self, Kind, Question};

/// The options of `spiped` or `spipe`, each with the word it was typed as.
#[derive(Debug)]
pub(crate) struct Args {
    program: Program,
    /// What was said.
    pub(crate) given: Given<String>,
}

impl Args {
    /// Nothing typed yet.
    pub(super) fn new(program: Program) -> Self {
        Self { program, given: Given::default() }
    }

    /// Reads the words after the program's name.
    ///
    /// # Errors
    ///
    /// [`Stop`] at the first mistake or question.
    pub(super) fn parse(
        program: Program,
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Stop> {
        let mut args = Self::new(program);
        parse_with_files(words, |typed| args.take(typed), |word| Err(leftover(&word)))?;
        Ok(args)
    }

    /// Reads one option, and its value if it has one.
    pub(super) fn take(&mut self, mut typed: Typed<'_>) -> Result<(), Stop> {
        let option = options::find(&typed.name)
            .filter(|option| self.program.has(option))
            .ok_or_else(|| UsageFault::IllegalOption(typed.name.clone()))?;
        if option.is_flag() {
            typed.refuse_value()?;
        }
        if let Kind::Question(question) = option.kind {
            return Err(match question {
                Question::Version => Stop::Version,
                Question::LongVersion => Stop::LongVersion,
                Question::Help => Stop::Help,
            });
        }
        let Some(earlier) = self.given.get_mut(option.key) else {
            let value = typed.read(option)?;
            self.given.push(Said { option, value, place: typed.name });
            return Ok(());
        };
        match (&mut earlier.value, option.kind) {
            (Value::Mode(said), Kind::IsMode(mode)) if *said != mode => {
                Err(UsageFault::Conflict(typed.name, earlier.place.clone()).into())
            }
            (Value::Strength(said), Kind::IsStrength(strength)) if *said != strength => {
                Err(UsageFault::Conflict(typed.name, earlier.place.clone()).into())
            }
            (Value::Texts(keys), Kind::Keys) => typed.another_key(keys),
            // Upstream's letters count once.
            (Value::Texts(texts), Kind::Addresses)
                if earlier.place.starts_with("--") && typed.is_long() =>
            {
                texts.push(typed.value()?);
                Ok(())
            }
            (Value::Networks(networks), Kind::Networks) => {
                networks.push(typed.network()?);
                Ok(())
            }
            _ => Err(typed.repeated()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::ValueFault;
    use crate::config::options::{Key, OPTIONS};
    use crate::config::settings::Mode;
    use crate::guest::KeyExchange;
    use crate::observe::Format;
    use log::LevelFilter;

    #[test]
    fn flags_pack_and_values_stick() {
        let args = spiped(&["-dFkfile", "-s", "a:1", "-t-1:2"]).unwrap();
        assert_eq!(value(&args, Key::Mode), Value::Mode(Mode::Decrypt));
        assert_eq!(value(&args, Key::Foreground), Value::Flag(true));
        assert_eq!(value(&args, Key::Keys), texts(&["file"]));
        assert_eq!(value(&args, Key::Source), texts(&["a:1"]));
        assert_eq!(value(&args, Key::Target), texts(&["-1:2"]));
    }

    #[test]
    fn next_word_is_the_value_whatever_it_looks_like() {
        let args = spiped(&["-n", "-1", "-k", "-", "-p", "--", "-b=x"]).unwrap();
        assert_eq!(value(&args, Key::MaxConnections), Value::Number(u64::MAX));
        assert_eq!(value(&args, Key::Keys), texts(&["-"]));
        assert_eq!(value(&args, Key::PidFile), Value::Text("--".into()));
        assert_eq!(value(&args, Key::Bind), Value::Text("=x".into()));
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
            // A letter and its long form are one option.
            &["-n", "1", "--max-connections", "1"],
            &["--decrypt", "-d"],
            &["-s", "a:1", "--source", "a:1"],
            &["--target", "a:1", "-t", "a:1"],
            &["-j", "--no-keep-alive"],
        ] {
            let stop = spiped(words).unwrap_err();
            assert!(matches!(stop, Stop::Usage(Some(UsageFault::Repeated(_)))), "{words:?}");
        }
    }

    #[test]
    fn keys_with_names_may_be_several() {
        let args = spiped(&["-k", "a=1", "-kb=2"]).unwrap();
        assert_eq!(value(&args, Key::Keys), texts(&["a=1", "b=2"]));
    }

    #[test]
    fn long_forms_of_lists_may_be_given_several_times() {
        let args = spiped(&["--target", "a:1", "--target=b:2", "--allow=::1", "--allow", "::2"]);
        let args = args.unwrap();
        assert_eq!(value(&args, Key::Target), texts(&["a:1", "b:2"]));
        let Value::Networks(networks) = value(&args, Key::Allow) else { panic!() };
        assert_eq!(networks.len(), 2);
    }

    #[test]
    fn letters_take_upstreams_numbers_and_long_forms_what_people_write() {
        let timeout = |words: &[&str]| Ok(value(&spiped(words)?, Key::Timeout));
        assert_eq!(timeout(&["-o", "0x10"]), Ok(Value::Seconds(16.0)));
        let minutes = Value::Time(Some(Duration::from_secs(90)));
        assert_eq!(timeout(&["--timeout=1m30s"]), Ok(minutes.clone()));
        assert_eq!(timeout(&["--timeout", "90"]), Ok(minutes));
        assert_eq!(timeout(&["--timeout=never"]), Ok(Value::Time(None)));
        assert_eq!(timeout(&["--timeout=x"]), Err(ValueFault::Time("x".into()).into()));
        assert!(matches!(timeout(&["-o", "5s"]), Err(Stop::Value(ValueFault::Number { .. }))));
    }

    #[test]
    fn every_long_form_is_the_option_of_its_letter() {
        for option in OPTIONS {
            let (Some(letter), Some(name)) = (option.short, option.long) else { continue };
            let [short, long] = [format!("-{letter}"), format!("--{name}")];
            let value = match option.placeholder() {
                "" => None,
                "number" | "connections" | "time" => Some("7"),
                _ => Some("x"),
            };
            let read = |word: &str| {
                let args = spiped(&[&[word], value.as_slice()].concat()).unwrap();
                args.given.get(option.key).unwrap().option.key
            };
            assert_eq!(read(&short), read(&long));
        }
    }

    #[test]
    fn modes_exclude_each_other_and_so_do_f_and_g() {
        for [first, second] in [["-d", "-e"], ["-e", "-d"], ["-f", "-g"], ["-g", "-f"]] {
            assert_eq!(
                spiped(&[first, second]).unwrap_err(),
                UsageFault::Conflict(second.into(), first.into()).into()
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
        assert_eq!(value(&args, Key::KeyExchange), Value::KeyExchange(KeyExchange::X25519));
        let args = spiped(&["--kex", "modp2048"]).unwrap();
        assert_eq!(value(&args, Key::KeyExchange), Value::KeyExchange(KeyExchange::Modp2048));
        let fault = ValueFault::KeyExchange("X25519".into());
        assert_eq!(spipe(&["--kex", "X25519"]).unwrap_err(), fault.into());
    }

    #[test]
    fn log_format_is_one_of_two() {
        let args = spipe(&["--log-format=json"]).unwrap();
        assert_eq!(value(&args, Key::LogFormat), Value::LogFormat(Format::Json));
        let fault = ValueFault::LogFormat("xml".into());
        assert_eq!(spiped(&["--log-format", "xml"]).unwrap_err(), fault.into());
    }

    #[test]
    fn log_level_is_one_of_four() {
        let args = spipe(&["--log-level=debug"]).unwrap();
        assert_eq!(value(&args, Key::LogLevel), Value::LogLevel(LevelFilter::Debug));
        assert!(spipe(&["--log-level=loud"]).is_err());
    }

    fn value(args: &Args, key: Key) -> Value {
        args.given.get(key).unwrap().value.clone()
    }

    fn texts(texts: &[&str]) -> Value {
        Value::Texts(texts.iter().map(OsString::from).collect())
    }

    fn spiped(words: &[&str]) -> Result<Args, Stop> {
        Args::parse(Program::Spiped, words.iter().map(OsString::from))
    }

    fn spipe(words: &[&str]) -> Result<Args, Stop> {
        Args::parse(Program::Spipe, words.iter().map(OsString::from))
    }
}
