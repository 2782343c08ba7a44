//! Usage and explanations out of the table of options.

use crate::cli::{COMMANDS, Program};
use crate::config::options::{Kind, OPTIONS, Only, Opt, Scope};

/// The lines that show how a program is called.
pub(super) fn usage(program: Program) -> String {
    let name = program.name();
    let mut words = vec!["usage:".to_owned(), name.to_owned()];
    let options: Vec<_> = lettered(program).collect();
    let groups = || options.chunk_by(|_, next| next.or);
    words.extend(groups().filter(|group| group[0].required).map(|group| match group {
        [option] => use_of(option),
        group => format!("{{{}}}", alternatives(group)),
    }));
    let is_packed = |group: &&[&Opt]| matches!(group, [option] if option.is_flag());
    let optional = || groups().filter(|group| !group[0].required);
    let mut letters: Vec<_> =
        optional().filter(is_packed).filter_map(|group| group[0].short).collect();
    letters.sort_by_key(char::to_ascii_lowercase);
    words.push(format!("[-{}]", String::from_iter(letters)));
    let others = optional().filter(|group| !is_packed(group));
    words.extend(others.map(|group| format!("[{}]", alternatives(group))));
    words.push("[--<option> ...]".to_owned());
    let mut text = wrap(&words, 4);
    if program == Program::Spiped {
        text += "       spiped [-F] [-p <file>] --config <file>\n";
    }
    text.extend(["       ", name, " -v | --version | --help\n"]);
    if program == Program::Spiped {
        let commands = COMMANDS.map(|(command, _)| command).join(" | ");
        let line = format!("       spiped {{{commands}}} [--help | ...]");
        text += &wrap(
            &line.split_inclusive("| ").map(|it| it.trim_end().to_owned()).collect::<Vec<_>>(),
            4,
        );
    }
    text
}

/// An explanation of each option.
pub(super) fn explained(program: Program) -> String {
    let typed = |option: &&Opt| program.has(option) && !option.spelling().is_empty();
    let all: Vec<_> = OPTIONS.iter().filter(typed).collect();
    let of_process = |option: &Opt| matches!(option.scope, Scope::Process | Scope::Log);
    let section = |title: &str, chosen: &dyn Fn(&Opt) -> bool| {
        let explained = all.iter().filter(|option| chosen(option)).map(|option| explain(option));
        format!("{title}:\n{}", explained.collect::<String>())
    };
    let required = section("Required", &|option| option.required);
    if program == Program::Spipe {
        return required + "\n" + &section("Optional", &|option| !option.required);
    }
    let connections = section("Connections", &|option| !option.required && !of_process(option));
    let process = section("Process", &|option| !option.required && of_process(option));
    [required, connections, process].join("\n")
}

fn explain(option: &Opt) -> String {
    let spellings =
        [option.short.map(|it| format!("-{it}")), option.long.map(|it| format!("--{it}"))];
    let spellings = spellings.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let only = match option.only {
        Only::Any | Only::UnixSource => "",
        Only::Decrypt => "with -d: ",
    };
    let default = match option.default {
        "" => String::new(),
        default => format!(" (default {default})"),
    };
    let repeated = match (option.kind, option.short, option.long) {
        (Kind::Addresses, Some(_), Some(long)) => format!("; --{long} may be repeated"),
        (Kind::Networks, _, _) => "; may be repeated".to_owned(),
        _ => String::new(),
    };
    let text = format!("{only}{}{repeated}{default}", option.help);
    entry(&spellings, option.placeholder(), &text)
}

/// How an option is spelled, and what it does.
pub(super) fn entry(spelling: &str, value: &str, text: &str) -> String {
    let head = match value {
        "" => format!("  {spelling}"),
        value => format!("  {spelling} <{value}>"),
    };
    let text: Vec<_> = text.split(' ').map(str::to_owned).collect();
    let indented = wrap(&[vec![" ".repeat(INDENT - 1)], text].concat(), INDENT);
    match head.len() {
        len if len < INDENT - 1 => format!("{head}{}", &indented[len..]),
        _ => format!("{head}\n{indented}"),
    }
}

/// Words in lines that fit a terminal; all lines but the first are indented.
pub(super) fn wrap(words: &[String], indent: usize) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in words {
        if line.is_empty() {
            line.clone_from(word);
        } else if line.len() + 1 + word.len() <= WIDTH {
            line = format!("{line} {word}");
        } else {
            text.extend([line.as_str(), "\n"]);
            line = " ".repeat(indent) + word;
        }
    }
    text + &line + "\n"
}

/// The options with a letter, questions left out.
fn lettered(program: Program) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(move |option| {
        let is_question = matches!(option.kind, Kind::Question(_));
        program.has(option) && option.short.is_some() && !is_question
    })
}

fn alternatives(group: &[&Opt]) -> String {
    group.iter().map(|option| use_of(option)).collect::<Vec<_>>().join(" | ")
}

/// How it is typed.
pub(super) fn use_of(option: &Opt) -> String {
    match option.placeholder() {
        "" => option.spelling(),
        value => format!("{} <{value}>", option.spelling()),
    }
}

const WIDTH: usize = 79;
/// Where explanations begin.
const INDENT: usize = 20;
