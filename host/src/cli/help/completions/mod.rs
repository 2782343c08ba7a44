//! Completions for shells out of the tables of options and commands. They are
//! written by `make manual`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bash;
mod fish;
mod zsh;

use std::path::Path;

use super::commands::{CommandOption, Operand, texts};
use super::manual::is_up_to_date;
use crate::cli::{COMMANDS, Program};
use crate::config::options::{Key, Kind, OPTIONS, Opt};

#[test]
fn completions_show_the_tables_of_options() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for program in [Program::Spiped, Program::Spipe] {
        let grammar = Grammar::of(program);
        let name = grammar.name;
        for (file, text) in [
            (format!("{name}.bash"), bash::completion(&grammar)),
            (format!("_{name}"), zsh::completion(&grammar)),
            (format!("{name}.fish"), fish::completion(&grammar)),
        ] {
            is_up_to_date(&folder.join(file), |_| text);
        }
    }
}

/// What can be typed after the name of a program.
struct Grammar {
    name: &'static str,
    options: Vec<Flag>,
    commands: Vec<Command>,
}

/// A command, as the first word.
struct Command {
    name: &'static str,
    about: String,
    options: Vec<Flag>,
    /// It takes the options of the program, too.
    takes_options: bool,
    operand: Takes,
}

/// An option.
struct Flag {
    short: Option<String>,
    long: Option<String>,
    help: String,
    /// What its value is called.
    value: &'static str,
    takes: Takes,
    repeats: bool,
    /// Those of the same key exclude each other.
    key: Option<Key>,
}

/// What is typed at a place.
#[derive(Clone, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Something that only the user knows.
    Text,
    File,
    Words(Vec<&'static str>),
}

impl Grammar {
    fn of(program: Program) -> Self {
        let typed = |option: &&Opt| program.has(option) && !option.spelling().is_empty();
        let commands: &[_] = if program == Program::Spiped { &COMMANDS } else { &[] };
        Self {
            name: program.name(),
            options: OPTIONS.iter().filter(typed).map(Flag::of).collect(),
            commands: commands.iter().map(|&(name, command)| Command::of(name, command)).collect(),
        }
    }
}

impl Command {
    fn of(name: &'static str, program: Program) -> Self {
        let texts = texts(program).unwrap();
        let about = texts.about.replace('\n', " ");
        let takes_options = texts.operand == Operand::FileOrOptions;
        let own = |option: &&CommandOption| {
            let spelling = |other: &Opt| other.spelling() == option.name;
            !takes_options || !OPTIONS.iter().any(spelling)
        };
        Self {
            name,
            about: about.split_once(". ").unwrap().0.to_owned(),
            options: texts.options.iter().filter(own).map(Flag::of_command).collect(),
            takes_options,
            operand: Takes::of(texts.operand),
        }
    }
}

impl Flag {
    fn of(option: &Opt) -> Self {
        let words = option.kind.words();
        let takes = if !words.is_empty() {
            Takes::Words(words)
        } else if option.is_flag() {
            Takes::Nothing
        } else if matches!(option.kind, Kind::Path | Kind::Keys) {
            Takes::File
        } else {
            Takes::Text
        };
        Self {
            short: option.short.map(|letter| letter.to_string()),
            long: option.long.map(str::to_owned),
            help: option.help.split(';').next().unwrap().to_owned(),
            value: option.placeholder(),
            takes,
            repeats: matches!(option.kind, Kind::Addresses | Kind::Networks | Kind::Keys),
            key: Some(option.key),
        }
    }

    fn of_command(option: &CommandOption) -> Self {
        let long = option.name.strip_prefix("--").map(str::to_owned);
        let short = option.name.strip_prefix('-').filter(|_| long.is_none());
        Self {
            short: short.map(str::to_owned),
            long,
            help: option.help.split(';').next().unwrap().to_owned(),
            value: option.value,
            takes: Takes::of(option.takes),
            repeats: false,
            key: None,
        }
    }

    /// With dashes.
    fn spellings(&self) -> Vec<String> {
        let short = self.short.iter().map(|letter| format!("-{letter}"));
        short.chain(self.long.iter().map(|name| format!("--{name}"))).collect()
    }
}

impl Takes {
    fn of(operand: Operand) -> Self {
        match operand {
            Operand::Nothing => Self::Nothing,
            Operand::Text => Self::Text,
            Operand::File | Operand::FileOrOptions => Self::File,
            Operand::LogLevel => Self::Words(Kind::LogLevel.words()),
        }
    }
}
