//! For fish.

use std::fmt::Write as _;

use super::{Flag, Grammar, Takes};

pub(super) fn completion(grammar: &Grammar) -> String {
    let name = grammar.name;
    let mut text = format!(
        "# fish completion for {name}. Written by make manual.\n\
         complete -c {name} -f\n"
    );
    if grammar.commands.is_empty() {
        lines(&mut text, name, "", &grammar.options);
        return text;
    }
    let others = grammar.commands.iter().filter(|command| !command.takes_options);
    let others: Vec<_> = others.map(|command| command.name).collect();
    let others = others.join(" ");
    _ = write!(
        text,
        "function __{name}_is_first\n\
         \x20   test (count (commandline -opc)) -eq 1\n\
         end\n\
         function __{name}_after\n\
         \x20   set -l words (commandline -opc)\n\
         \x20   contains -- \"$words[2]\" $argv\n\
         end\n\
         function __{name}_takes_options\n\
         \x20   not __{name}_after {others}\n\
         end\n"
    );
    for command in &grammar.commands {
        let about = quoted(&command.about);
        _ = writeln!(
            text,
            "complete -c {name} -n __{name}_is_first -a {} -d '{about}'",
            command.name
        );
    }
    lines(&mut text, name, &format!(" -n __{name}_takes_options"), &grammar.options);
    for command in &grammar.commands {
        let condition = format!(" -n '__{name}_after {}'", command.name);
        match &command.operand {
            Takes::Nothing | Takes::Text => {}
            takes @ (Takes::File | Takes::Words(_)) => {
                _ = writeln!(text, "complete -c {name}{condition}{}", value(takes));
            }
        }
        lines(&mut text, name, &condition, &command.options);
    }
    text
}

fn lines(text: &mut String, name: &str, condition: &str, options: &[Flag]) {
    for option in options {
        let short = option.short.iter().map(|letter| format!(" -s {letter}"));
        let long = option.long.iter().map(|name| format!(" -l {name}"));
        let spelling: String = short.chain(long).collect();
        let takes = match &option.takes {
            Takes::Nothing => String::new(),
            Takes::File => " -r -F".to_owned(),
            takes @ (Takes::Text | Takes::Words(_)) => format!(" -x{}", value(takes)),
        };
        let help = quoted(&option.help);
        _ = writeln!(text, "complete -c {name}{condition}{spelling}{takes} -d '{help}'");
    }
}

fn value(takes: &Takes) -> String {
    match takes {
        Takes::Nothing | Takes::Text => String::new(),
        Takes::File => " -F".to_owned(),
        Takes::Words(words) => format!(" -a '{}'", words.join(" ")),
    }
}

/// Within single quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
