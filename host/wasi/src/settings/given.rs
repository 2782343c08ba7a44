//! What was said, in arguments and in the environment.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::options::{Meaning, NOT_HERE, OPTIONS, Opt, Question, usage};
use super::{Program, Stop};

/// Options and their values, flags with an empty one.
pub(super) struct Given {
    program: Program,
    said: Vec<(&'static Opt, String)>,
}

impl Given {
    /// From left to right: the first mistake or question ends the reading.
    pub(super) fn arguments(program: Program, words: &[String]) -> Result<Self, Stop> {
        let mut given = Self { program, said: Vec::new() };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if let Some(long) = word.strip_prefix("--") {
                if long.is_empty() {
                    break;
                }
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let option = given.find(name, |option| option.name == name && !option.is_secret)?;
                given.take(option, word, value, &mut words)?;
            } else if let Some(mut letters) = word.strip_prefix('-').filter(|it| !it.is_empty()) {
                while let Some(letter) = letters.chars().next() {
                    letters = &letters[letter.len_utf8()..];
                    let name = letter.to_string();
                    let option = given.find(&name, |option| option.letter == Some(letter))?;
                    let glued = match option.value {
                        Some(_) => Some(core::mem::take(&mut letters)).filter(|it| !it.is_empty()),
                        None => None,
                    };
                    given.take(option, &format!("-{letter}"), glued, &mut words)?;
                }
            } else {
                return Err(given.fault(&format!("Not an option: {word}")));
            }
        }
        match words.next() {
            Some(word) => Err(given.fault(&format!("Not an option: {word}"))),
            None => Ok(given),
        }
    }

    /// Adds what the environment says and the arguments do not.
    pub(super) fn environment(&mut self, variables: &[(String, String)]) -> Result<(), Stop> {
        let typed: Vec<Meaning> = self.said.iter().map(|(option, _)| option.meaning).collect();
        for option in &OPTIONS {
            if typed.contains(&option.meaning)
                || !option.programs.contains(&self.program)
                || matches!(option.meaning, Meaning::Question(_))
            {
                continue;
            }
            let variable = option.variable();
            let Some((_, value)) = variables.iter().find(|(name, _)| *name == variable) else {
                continue;
            };
            let value = match (option.value, value.as_str()) {
                (Some(_), value) => value,
                (None, "1" | "true" | "yes") => "",
                (None, "" | "0" | "false" | "no") => continue,
                (None, _) => return Err(self.fault(&format!("Neither 1 nor 0: {variable}"))),
            };
            self.add(option, &variable, value.to_string())?;
        }
        Ok(())
    }

    /// The value that means this.
    pub(super) fn value(&self, meaning: Meaning) -> Option<&str> {
        self.option(meaning).map(|(_, value)| value.as_str())
    }

    /// The option that means this, where several do, and its value.
    pub(super) fn option(&self, meaning: Meaning) -> Option<&(&'static Opt, String)> {
        self.said.iter().find(|(option, _)| option.meaning == meaning)
    }

    /// A mistake that the usage text explains.
    pub(super) fn fault(&self, fault: &str) -> Stop {
        Stop::Usage(format!("{fault}\n{}", usage(self.program)))
    }

    fn find(&self, name: &str, wanted: impl Fn(&Opt) -> bool) -> Result<&'static Opt, Stop> {
        let here = |option: &&Opt| option.programs.contains(&self.program) && wanted(option);
        if let Some(option) = OPTIONS.iter().find(here) {
            return Ok(option);
        }
        let dashes = if name.chars().count() == 1 { "-" } else { "--" };
        for (letter, long, what) in NOT_HERE {
            if self.program == Program::Spiped && (name == long || name.chars().eq([letter])) {
                return Err(self.fault(&format!("WASI has no {what}: {dashes}{name}")));
            }
        }
        Err(self.fault(&format!("illegal option -- {dashes}{name}")))
    }

    fn take<'a>(
        &mut self,
        option: &'static Opt,
        typed: &str,
        value: Option<&str>,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Stop> {
        let value = match (option.value, value) {
            (Some(_), Some(value)) => value,
            (Some(_), None) => match words.next() {
                Some(word) => word,
                None => return Err(self.fault(&format!("Missing argument to {typed}"))),
            },
            (None, Some(_)) => return Err(self.fault(&format!("illegal option -- {typed}"))),
            (None, None) => "",
        };
        if let Meaning::Question(question) = option.meaning {
            return Err(self.answer(question));
        }
        self.add(option, typed, value.to_string())
    }

    fn answer(&self, question: Question) -> Stop {
        match question {
            Question::UpstreamVersion => Stop::UpstreamVersion(match self.program {
                Program::Spiped => "spiped 1.6.4".to_string(),
                Program::Spipe => "spipe 1.6.4".to_string(),
            }),
            Question::Version => {
                Stop::Answer(concat!("spiped ", env!("CARGO_PKG_VERSION")).to_string())
            }
            Question::Help => Stop::Answer(usage(self.program)),
        }
    }

    fn add(&mut self, option: &'static Opt, place: &str, value: String) -> Result<(), Stop> {
        if let Some((earlier, _)) = self.option(option.meaning) {
            let same = earlier.name == option.name;
            let what = if same { "given more than once" } else { "contradicts another one" };
            return Err(self.fault(&format!("Option {what}: {place}")));
        }
        self.said.push((option, value));
        Ok(())
    }
}
