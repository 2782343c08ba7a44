//! From tables of a file to what was said: names of keys and types of values.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use strsim::damerau_levenshtein;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::lines::Source;
use super::{BOTH_WAYS, DEFAULTS, PIPE};
use crate::config::given::{Given, Said, Value};
use crate::config::number::{parse_mode, parse_size};
use crate::config::options::{self, Kind, OPTIONS, Opt, Scope};
use crate::config::words::{NotATime, Word, parse_network, parse_time};
use crate::config::{Fault, Place};
use crate::guest::ForwardSecrecy;
use crate::keys::{KeyName, NamedFile};

/// Reads one file, and notes all that is wrong with it.
pub(super) struct Reader<'a> {
    source: &'a Source<'a>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source<'a>, faults: &'a mut Vec<Fault>) -> Self {
        Self { source, faults }
    }

    /// Where this key or value stands.
    pub(super) fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        self.source.place(spanned.span().start)
    }

    /// Notes that this is wrong.
    pub(super) fn fault<T>(&mut self, spanned: &Spanned<T>, words: String) {
        self.faults.push(self.source.fault(spanned.span().start, words));
    }

    /// The table of this name, if there is one.
    pub(super) fn subtable<'t>(
        &mut self,
        table: &'t DeTable<'_>,
        name: &'static str,
    ) -> Option<&'t DeTable<'t>> {
        let value = table.get(name)?;
        let found = value.get_ref().as_table();
        if found.is_none() {
            let header =
                if name == DEFAULTS { "defaults".to_owned() } else { format!("{name}.NAME") };
            self.fault(value, format!("{name} is a table: write [{header}]"));
        }
        found
    }

    /// What a table says. Beside keys of these kinds there may be tables of these
    /// names, which are not looked at.
    pub(super) fn table(
        &mut self,
        table: &DeTable<'_>,
        scopes: &[Scope],
        tables: &[&'static str],
    ) -> Given<Place> {
        let mut given = Given::default();
        for (key, value) in table {
            let name = &**key.get_ref();
            if tables.contains(&name) {
                continue;
            }
            let Some((_, option)) = options::in_scope(scopes).find(|(known, _)| *known == name)
            else {
                let words = unknown(name, scopes, tables);
                self.fault(key, words);
                continue;
            };
            match self.value(option, value) {
                Ok(read) => self.note(&mut given, option, read, value),
                Err(words) => {
                    given.garble(option.key);
                    self.fault(value, words);
                }
            }
        }
        given
    }

    /// Notes a value of which the type is right.
    fn note(
        &mut self,
        given: &mut Given<Place>,
        option: &'static Opt,
        value: Value,
        spanned: &Spanned<DeValue<'_>>,
    ) {
        let place = self.place(spanned);
        let Some(earlier) = given.get_mut(option.key) else {
            given.push(Said { option, value, place });
            return;
        };
        // Two keys are about forward secrecy; one of them may say no.
        let offered = Value::Strength(ForwardSecrecy::Offer);
        if earlier.value == offered {
            *earlier = Said { option, value, place };
        } else if value != offered {
            let [one, other] =
                [earlier.option, option].map(|option| option.file.unwrap_or_default());
            self.fault(spanned, format!("{other} contradicts {one}: leave out one of them"));
        }
    }

    /// What may stand at the top of the file or in `[defaults]` must stand in one
    /// of them.
    pub(super) fn refuse_twice(&mut self, process: &Given<Place>, defaults: &Given<Place>) {
        for said in defaults.iter() {
            if let Some(first) = process.get(said.option.key) {
                let name = said.option.file.unwrap_or_default();
                let words =
                    format!("{name} is set already, at {}: leave out one of them", first.place);
                self.faults.push(Fault { place: said.place.clone(), words });
            }
        }
    }

    /// No two pipes can have one source.
    pub(super) fn refuse_shared(&mut self, said: &Said<Place>) {
        let name = said.option.file.unwrap_or_default();
        let words = format!("{name} belongs {}", home(said.option.scope));
        self.faults.push(Fault { place: said.place.clone(), words });
    }

    fn value(&self, option: &Opt, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
        let value = value.get_ref();
        let name = option.file.unwrap_or_default();
        let wrong = || {
            let wanted = option.kind.in_file();
            let is = match value {
                DeValue::String(text) => format!("{text:?}"),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Float(number) => number.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                DeValue::Datetime(date) => date.to_string(),
                DeValue::Array(_) => "this list".to_owned(),
                DeValue::Table(_) => "a table".to_owned(),
            };
            format!("{name} cannot be {is}: write {wanted}")
        };
        let text = value.as_str();
        let number = value.as_integer().and_then(unsigned);
        let read = match option.kind {
            Kind::Flag | Kind::NoFlag => value.as_bool().map(Value::Flag),
            Kind::IsStrength(strength) => value
                .as_bool()
                .map(|meant| Value::Strength(if meant { strength } else { ForwardSecrecy::Offer })),
            Kind::Count => number.map(Value::Number),
            Kind::Size => {
                number.or_else(|| text.and_then(|text| parse_size(text).ok())).map(Value::Number)
            }
            Kind::FileMode => file_mode(value).map(Value::FileMode),
            Kind::Time => time(value).ok().map(Value::Time),
            Kind::Address => text.map(|text| Value::Text(text.into())),
            Kind::Addresses => texts(value)
                .map(|texts| Value::Texts(texts.into_iter().map(OsString::from).collect())),
            Kind::Networks => networks(value).map(Value::Networks),
            Kind::Path => text.filter(|text| !text.is_empty()).map(|text| self.path(text)),
            Kind::Identity => {
                let number = number.map(|number| number.to_string());
                number.or_else(|| text.map(str::to_owned)).map(|text| Value::Text(text.into()))
            }
            Kind::Keys => return self.keys(value).transpose().unwrap_or_else(|| Err(wrong())),
            Kind::Mode => text.and_then(Word::parse).map(Value::Mode),
            Kind::KeyExchange => text.and_then(Word::parse).map(Value::KeyExchange),
            Kind::LogLevel => text.and_then(Word::parse).map(Value::LogLevel),
            Kind::LogFormat => text.and_then(Word::parse).map(Value::LogFormat),
            Kind::Balance => text.and_then(Word::parse).map(Value::Balance),
            Kind::ProxyVersion => text.and_then(Word::parse).map(Value::ProxyVersion),
            // On a command line only.
            Kind::IsMode(_) | Kind::Question(_) => None,
        };
        read.ok_or_else(wrong)
    }

    /// Where keys are; nothing if it is of no type that says so.
    fn keys(&self, value: &DeValue<'_>) -> Result<Option<Value>, String> {
        if let Some(text) = value.as_str() {
            return match text {
                "" => Ok(None),
                "-" => Err(STDIN.to_owned()),
                text => Ok(Some(self.path(text))),
            };
        }
        let Some(table) = value.as_table().filter(|table| !table.is_empty()) else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for (name, path) in table {
            let name = &**name.get_ref();
            let Some(path) = path.get_ref().as_str().filter(|path| !path.is_empty()) else {
                return Ok(None);
            };
            if name.is_empty() || name.contains(['/', '\0']) {
                return Err(format!(
                    "key cannot have the name {name:?}: write a word without a slash"
                ));
            }
            files.push(NamedFile {
                name: KeyName::new(name.as_ref()),
                path: self.folder().join(path),
            });
        }
        Ok(Some(Value::Named(files)))
    }

    /// From the directory of the file it stands in.
    fn path(&self, text: &str) -> Value {
        Value::Text(self.folder().join(text).into())
    }

    fn folder(&self) -> &Path {
        self.source.path.parent().unwrap_or(Path::new(""))
    }
}

fn unsigned(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// In octal, as text or as a number that says so.
fn file_mode(value: &DeValue<'_>) -> Option<u32> {
    let octal = value.as_integer().filter(|number| number.radix() == 8).map(DeInteger::as_str);
    parse_mode(octal.or(value.as_str())?).ok()
}

/// A number is one of seconds.
fn time(value: &DeValue<'_>) -> Result<Option<Duration>, NotATime> {
    if let Some(seconds) = value.as_integer().and_then(unsigned) {
        return Ok(Some(Duration::from_secs(seconds)));
    }
    parse_time(value.as_float().map(DeFloat::as_str).or(value.as_str()).ok_or(NotATime)?)
}

fn networks(value: &DeValue<'_>) -> Option<Vec<IpNet>> {
    texts(value)?.into_iter().map(parse_network).collect()
}

/// A text, or a list of at least one.
fn texts<'v>(value: &'v DeValue<'_>) -> Option<Vec<&'v str>> {
    match value.as_array() {
        Some(list) if list.is_empty() => None,
        Some(list) => list.iter().map(|text| text.get_ref().as_str()).collect(),
        None => value.as_str().map(|text| vec![text]),
    }
}

/// What is wrong with a name that is none of a key here, and what can have been
/// meant.
fn unknown(name: &str, scopes: &[Scope], tables: &[&'static str]) -> String {
    let elsewhere = OPTIONS.iter().find(|option| option.file == Some(name));
    let typed =
        OPTIONS.iter().find(|option| option.long == Some(name) && option.file != option.long);
    let near = options::in_scope(scopes).map(|(known, _)| known).chain(tables.iter().copied());
    // What is longer than any key resembles none, and takes long to compare.
    let near = near.filter(|_| name.len() <= NAME_MAX);
    let nearest = near.map(|known| (damerau_levenshtein(known, name), known)).min();
    let hint = match (elsewhere, typed.and_then(|option| option.file), nearest) {
        (Some(option), _, _) => format!("it belongs {}", home(option.scope)),
        (None, _, _) if [DEFAULTS, PIPE, BOTH_WAYS].contains(&name) => {
            "it belongs in the file that --config names".to_owned()
        }
        (None, Some(file), _) => format!("write {file} = false"),
        (None, None, Some((distance, known))) if distance <= (name.len() / 3).max(2) => {
            format!("did you mean {known}?")
        }
        (None, None, _) => "spiped.toml(5) lists all keys".to_owned(),
    };
    format!("Unknown key: {name:?} ({hint})")
}

fn home(scope: Scope) -> &'static str {
    match scope {
        Scope::Ends => "in [pipe.NAME]",
        Scope::Pipe => "in [pipe.NAME] or [defaults]",
        Scope::Process => "at the top of the file that --config names, before any [table]",
        Scope::Log => "at the top of the file that --config names, or in its [defaults]",
        Scope::BothWays => "in [both-ways.NAME]",
        Scope::Spipe => "on the command line of spipe",
    }
}

const NAME_MAX: usize = 64;
const STDIN: &str = "key cannot be \"-\": a daemon with a settings file does not read standard input: name a key \
     file";
