//! The manual pages and the table of options: the same in both. What the table
//! alone decides is written into the pages by `make manual`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::options::use_of;
use crate::cli::{COMMANDS, Program, help};
use crate::config::options::{Kind, OPTIONS, Only, Opt, Scope};

const PROGRAMS: [Program; 2] = [Program::Spiped, Program::Spipe];

#[test]
fn manual_pages_show_the_table_of_options() {
    for program in PROGRAMS {
        let path = path(program);
        let page = fs::read_to_string(&path).unwrap();
        let mut wanted = with_block(&page, "synopsis", &synopsis(program));
        if program == Program::Spiped {
            wanted = with_block(&wanted, "settings", &settings());
        }
        if env::var_os("SPIPED_WRITE_MANUAL").is_some() {
            fs::write(&path, &wanted).unwrap();
            continue;
        }
        assert!(page == wanted, "{} is not up to date: run make manual", path.display());
    }
}

#[test]
fn manual_pages_explain_every_option_of_the_table() {
    for program in PROGRAMS {
        let page = fs::read_to_string(path(program)).unwrap();
        let (_, options) = page.split_once("The options are as follows.").unwrap();
        let (options, _) = options.split_once("\n.El\n.\\\" END options\n").unwrap();
        let listed: Vec<_> = options.lines().filter(|line| line.starts_with(".It Fl ")).collect();
        let once: BTreeSet<_> = listed.iter().map(|head| (*head).to_owned()).collect();
        assert_eq!(once.len(), listed.len(), "an option is explained twice");
        let heads = OPTIONS.iter().filter(|option| program.has(option));
        let heads: BTreeSet<_> = heads.filter_map(head).collect();
        assert_eq!(once, heads);
    }
}

#[test]
fn manual_page_explains_the_options_of_the_commands() {
    let page = fs::read_to_string(path(Program::Spiped)).unwrap();
    let (_, commands) = page.split_once("\n.Sh COMMANDS\n").unwrap();
    for (name, command) in COMMANDS {
        let heads = commands.lines().filter_map(|line| line.strip_prefix(".Ss spiped "));
        let mut names = heads.flat_map(|head| head.split([' ', ',']));
        assert!(names.any(|it| it == name), "{name}");
        let text = help::help(command);
        let explained = text.lines().filter_map(|line| line.strip_prefix("  -"));
        for option in explained.filter_map(|line| line.split_whitespace().next()) {
            let fl =
                option.strip_prefix('-').map_or(format!("Fl {option}"), |it| format!("Fl Fl {it}"));
            assert!(commands.contains(&fl), "{name} -{option}");
        }
    }
}

fn synopsis(program: Program) -> String {
    let options: Vec<_> = OPTIONS.iter().filter(|option| program.has(option)).collect();
    let typed = |option: &&&Opt| {
        !option.spelling().is_empty()
            && !matches!(option.kind, Kind::Question(_))
            && option.long != Some("config")
    };
    let options: Vec<_> = options.iter().filter(typed).copied().collect();
    let mut lines = Vec::new();
    let mut letters = Vec::new();
    for group in options.chunk_by(|_, next| next.or) {
        let uses: Vec<_> = group.iter().map(|option| mdoc(&spelling(option), option)).collect();
        match group {
            [first, ..] if first.required => lines.push(format!(".{}", uses.join(" | "))),
            [flag] if flag.is_flag() && flag.short.is_some() => letters.extend(flag.short),
            _ => lines.push(format!(".Op {}", uses.join(" | "))),
        }
    }
    letters.sort_by_key(char::to_ascii_lowercase);
    let required = lines.iter().take_while(|line| !line.starts_with(".Op")).count();
    lines.insert(required, format!(".Op Fl {}", String::from_iter(letters)));
    lines.join("\n") + "\n"
}

/// Every key that a file can have.
fn settings() -> String {
    let scopes: [(&str, &[Scope]); 3] = [
        ("At the top of the file, for the process", &[Scope::Process, Scope::Log]),
        (
            "In\n.Li [pipe.NAME] ,\nor in\n.Li [defaults]\nfor all pipes that do not say otherwise",
            &[Scope::Ends, Scope::Pipe],
        ),
        ("In\n.Li [both-ways.NAME]", &[Scope::BothWays]),
    ];
    let mut text = String::new();
    for (title, scopes) in scopes {
        text.extend([".Pp\n", title, ":\n.Bl -tag -width Ds\n"]);
        for option in OPTIONS.iter().filter(|option| scopes.contains(&option.scope)) {
            text += &setting(option).unwrap_or_default();
        }
        text += ".El\n";
    }
    text
}

fn setting(option: &Opt) -> Option<String> {
    let name = option.file?;
    let mut text = format!(".It Cm {name} No =\n{}", sentence(option.kind.in_file()));
    match (option.short, option.long) {
        (Some(letter), _) => text.extend(["See\n.Fl ", &letter.to_string(), " .\n"]),
        (None, Some(long)) => text.extend(["See\n.Fl Fl ", long, " .\n"]),
        (None, None) => text += &sentence(option.help),
    }
    match option.only {
        Only::Any => {}
        Only::Decrypt => text += "Only for pipes that decrypt.\n",
        Only::UnixSource => text += "Only for Unix sources.\n",
    }
    if option.scope == Scope::Log {
        text += "It may stand in\n.Li [defaults]\ninstead.\n";
    }
    Some(text)
}

/// With a capital letter and a full stop, in lines of a page.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    format!("{text}.\n")
}

fn head(option: &Opt) -> Option<String> {
    let long = option.long.map(|long| format!("Fl Fl {long}"));
    match (option.short, long) {
        (Some(letter), Some(long)) => {
            Some(format!(".It {} , {}", mdoc(&format!("Fl {letter}"), option), mdoc(&long, option)))
        }
        (Some(letter), None) => Some(format!(".It {}", mdoc(&format!("Fl {letter}"), option))),
        (None, Some(long)) => Some(format!(".It {}", mdoc(&long, option))),
        (None, None) => None,
    }
}

fn spelling(option: &Opt) -> String {
    let use_of = use_of(option);
    let spelling = use_of.split(' ').next().unwrap_or_default();
    match spelling.strip_prefix("--") {
        Some(long) => format!("Fl Fl {long}"),
        None => format!("Fl {}", spelling.trim_start_matches('-')),
    }
}

fn mdoc(spelling: &str, option: &Opt) -> String {
    match option.placeholder() {
        "" => spelling.to_owned(),
        "user:group" => format!("{spelling} Ar user | \\&: Ns Ar group | Ar user : Ns Ar group"),
        value => format!("{spelling} Ar {}", value.replace(' ', "")),
    }
}

/// The page with a block between its marks replaced.
fn with_block(page: &str, name: &str, block: &str) -> String {
    let [begin, end] = ["BEGIN", "END"].map(|mark| format!(".\\\" {mark} {name}\n"));
    let (before, rest) = page.split_once(&begin).expect(name);
    let (_, after) = rest.split_once(&end).expect(name);
    [before, &begin, block, &end, after].concat()
}

fn path(program: Program) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(format!("{}.1", program.name()))
}
