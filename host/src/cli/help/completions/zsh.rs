//! For zsh, by its function `_arguments`.

use std::fmt::Write as _;

use super::{Command, Flag, Grammar, Takes};

pub(super) fn completion(grammar: &Grammar) -> String {
    let name = grammar.name;
    let options = specs(&grammar.options, 8);
    let commands = if grammar.commands.is_empty() { String::new() } else { commands(grammar) };
    format!(
        "#compdef {name}\n\
         # Written by make manual.\n\
         _{name}() {{\n\
         \x20   local -a options=(\n\
         {options}\
         \x20   )\n\
         {commands}\
         \x20   _arguments -s -S $options\n\
         }}\n\
         _{name} \"$@\"\n"
    )
}

/// The first word, and what the options are after it.
fn commands(grammar: &Grammar) -> String {
    let about =
        |command: &Command| format!("            '{}:{}'\n", command.name, quoted(&command.about));
    let about: String = grammar.commands.iter().map(about).collect();
    let mut cases = String::new();
    for command in &grammar.commands {
        let more = if command.takes_options { "                $options\n" } else { "" };
        let own = specs(&command.options, 16);
        let operand = match &command.operand {
            Takes::Nothing => String::new(),
            takes @ (Takes::Text | Takes::File | Takes::Words(_)) => {
                format!("                '*:{}'\n", action("word", takes))
            }
        };
        _ = write!(
            cases,
            "        {})\n\
             \x20           options=(\n\
             {more}{own}{operand}\
             \x20           )\n\
             \x20           ;;\n",
            command.name
        );
    }
    format!(
        "    if (( CURRENT == 2 )); then\n\
         \x20       local -a commands=(\n\
         {about}\
         \x20       )\n\
         \x20       _describe command commands && return\n\
         \x20   else\n\
         \x20       local command=$words[2]\n\
         \x20       case $command in\n\
         {cases}\
         \x20       *)\n\
         \x20           command=\n\
         \x20           ;;\n\
         \x20       esac\n\
         \x20       if [[ -n $command ]]; then\n\
         \x20           shift words\n\
         \x20           (( CURRENT-- ))\n\
         \x20       fi\n\
         \x20   fi\n"
    )
}

/// One line for each spelling of each option.
fn specs(options: &[Flag], indent: usize) -> String {
    let mut text = String::new();
    for option in options {
        let same = |other: &&Flag| other.key.is_some() && other.key == option.key;
        let mut others: Vec<_> = options.iter().filter(same).flat_map(Flag::spellings).collect();
        if others.is_empty() {
            others = option.spellings();
        }
        let before =
            if option.repeats { "*".to_owned() } else { format!("({})", others.join(" ")) };
        let help = quoted(&option.help).replace('[', "\\[").replace(']', "\\]");
        let value = match &option.takes {
            Takes::Nothing => String::new(),
            takes @ (Takes::Text | Takes::File | Takes::Words(_)) => {
                format!(":{}", action(option.value, takes))
            }
        };
        for spelling in option.spellings() {
            let joint = match (&option.takes, spelling.starts_with("--")) {
                (Takes::Nothing, _) => "",
                (_, true) => "=",
                (_, false) => "+",
            };
            _ = writeln!(text, "{:indent$}'{before}{spelling}{joint}[{help}]{value}'", "");
        }
    }
    text
}

/// What a value is called, and what it can be.
fn action(value: &str, takes: &Takes) -> String {
    let value = value.replace(':', "\\:");
    match takes {
        Takes::Nothing | Takes::Text => format!("{value}: "),
        Takes::File => format!("{value}:_files"),
        Takes::Words(words) => format!("{value}:({})", words.join(" ")),
    }
}

/// Within single quotes.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}
