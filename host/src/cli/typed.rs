//! One word after the other of a command line: options, their values, and words
//! that belong to none.

use std::ffi::{OsStr, OsString};

use lexopt::{Arg, Parser};
use log::LevelFilter;

use crate::cli::{Stop, UsageFault, ValueFault};
use crate::config::given::Value;
use crate::config::number::{NumberFault, parse_float, parse_integer, parse_mode, parse_size};
use crate::config::options::{Kind, Opt};
use crate::config::words::{Word, parse_network, parse_time};
use crate::keys::NamedFile;

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

    pub(super) fn text(&mut self, slot: &mut Option<OsString>) -> Result<(), Stop> {
        if slot.is_some() {
            return Err(self.repeated());
        }
        *slot = Some(self.value()?);
        Ok(())
    }

    pub(super) fn seconds(&mut self, slot: &mut Option<f64>) -> Result<(), Stop> {
        if slot.is_some() {
            return Err(self.repeated());
        }
        *slot = Some(self.number(parse_float)?);
        Ok(())
    }

    /// The value of an option that was not given before.
    pub(super) fn read(&mut self, option: &Opt) -> Result<Value, Stop> {
        Ok(match option.kind {
            Kind::Flag | Kind::Question(_) => Value::Flag(true),
            Kind::NoFlag => Value::Flag(false),
            Kind::IsMode(mode) => Value::Mode(mode),
            Kind::IsStrength(strength) => Value::Strength(strength),
            Kind::Count => Value::Number(self.number(parse_integer)?),
            Kind::Size => Value::Number(self.number(parse_size)?),
            Kind::FileMode => Value::FileMode(self.number(parse_mode)?),
            // Upstream's letters take upstream's numbers.
            Kind::Time if !self.is_long() => Value::Seconds(self.number(parse_float)?),
            Kind::Time => Value::Time(self.word(|text| parse_time(text).ok(), ValueFault::Time)?),
            Kind::Address | Kind::Path | Kind::Identity => Value::Text(self.value()?),
            Kind::Addresses | Kind::Keys => Value::Texts(vec![self.value()?]),
            Kind::Networks => Value::Networks(vec![self.network()?]),
            Kind::Mode => Value::Mode(self.word(Word::parse, ValueFault::Mode)?),
            Kind::KeyExchange => {
                Value::KeyExchange(self.word(Word::parse, ValueFault::KeyExchange)?)
            }
            Kind::LogLevel => Value::LogLevel(self.word(Word::parse, ValueFault::LogLevel)?),
            Kind::LogFormat => Value::LogFormat(self.word(Word::parse, ValueFault::LogFormat)?),
            Kind::Balance => Value::Balance(self.word(Word::parse, ValueFault::Balance)?),
            Kind::ProxyVersion => {
                Value::ProxyVersion(self.word(Word::parse, ValueFault::ProxyVersion)?)
            }
        })
    }

    pub(super) fn another_key(&mut self, keys: &mut Vec<OsString>) -> Result<(), Stop> {
        let named = |text: &OsString| NamedFile::parse(text).is_some();
        if !keys.iter().all(named) {
            return Err(self.repeated());
        }
        let key = self.value()?;
        if !named(&key) {
            return Err(self.repeated());
        }
        keys.push(key);
        Ok(())
    }

    fn number<T>(&mut self, parse: fn(&str) -> Result<T, NumberFault>) -> Result<T, Stop> {
        let value = self.value()?.to_string_lossy().into_owned();
        parse(&value).map_err(|fault| {
            let option = self.name.clone();
            ValueFault::Number { option, value, fault }.into()
        })
    }

    pub(super) fn network(&mut self) -> Result<ipnet::IpNet, Stop> {
        let option = self.name.clone();
        self.word(parse_network, |value| ValueFault::Network { option, value })
    }

    fn word<T>(
        &mut self,
        parse: fn(&str) -> Option<T>,
        fault: impl FnOnce(String) -> ValueFault,
    ) -> Result<T, Stop> {
        let word = self.value()?.to_string_lossy().into_owned();
        parse(&word).ok_or_else(|| fault(word).into())
    }

    pub(super) fn value(&mut self) -> Result<OsString, Stop> {
        self.parser.value().map_err(|_| UsageFault::MissingValue(self.name.clone()).into())
    }

    pub(super) fn is_long(&self) -> bool {
        self.name.starts_with("--")
    }

    /// Only a long option can carry a value it does not want: what follows a
    /// short one is more short ones.
    pub(super) fn refuse_value(&mut self) -> Result<(), Stop> {
        if self.is_long() && self.parser.optional_value().is_some() {
            return Err(UsageFault::IllegalOption(self.name.clone()).into());
        }
        Ok(())
    }

    pub(super) fn repeated(&self) -> Stop {
        UsageFault::Repeated(self.name.clone()).into()
    }
}

/// Reads the name of a level of the log.
pub(super) fn parse_log_level(word: &str) -> Result<LevelFilter, ValueFault> {
    Word::parse(word).ok_or_else(|| ValueFault::LogLevel(word.to_owned()))
}
