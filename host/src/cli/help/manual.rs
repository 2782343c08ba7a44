//! The manual pages and the table of options: the same in both. What the table
//! alone decides is written into the pages by `make manual`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::options::{use_of, wrap};
use crate::cli::{COMMANDS, Program};
use crate::config::options::{Kind, OPTIONS, Only, Opt, Scope};

const PROGRAMS: [Program; 2] = [Program::Spiped, Program::Spipe];

#[test]
fn manual_pages_show_the_table_of_options() {
    for program in PROGRAMS {
        let page = page(&format!("{}.1", program.name()));
        is_up_to_date(&page, |text| with_block(text, "synopsis", &synopsis(program)));
    }
    is_up_to_date(&page("spiped.toml.5"), |text| with_block(text, "settings", &settings()));
}

#[test]
fn manual_pages_explain_every_option_of_the_table() {
    for program in PROGRAMS {
        let page = read(&format!("{}.1", program.name()));
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
    let page = read("spiped.1");
    let (_, commands) = page.split_once("\n.Sh COMMANDS\n").unwrap();
    for (name, command) in COMMANDS {
        let heads = commands.lines().filter_map(|line| line.strip_prefix(".Ss spiped "));
        let mut names = heads.flat_map(|head| head.split([' ', ',']));
        assert!(names.any(|it| it == name), "{name}");
        for option in super::commands::texts(command).unwrap().options {
            let spelling = option.name.strip_prefix('-').unwrap();
            let fl = spelling
                .strip_prefix('-')
                .map_or(format!("Fl {spelling}"), |long| format!("Fl Fl {long}"));
            assert!(commands.contains(&fl), "{name} {}", option.name);
        }
    }
}

/// Compares a file with what the tables make of it, or writes that.
pub(super) fn is_up_to_date(path: &Path, wanted: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let wanted = wanted(&text);
    if env::var_os("SPIPED_WRITE_MANUAL").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &wanted).unwrap();
        return;
    }
    assert!(text == wanted, "{} is not up to date: run make manual", path.display());
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
    let sections: [(&str, &str, &[Scope]); 3] = [
        (
            "The process",
            "These settings stand before the first table.\n\
             Unless stated otherwise, a new value takes effect after a restart or\n\
             .Nm spiped Cm upgrade ,\nnot with a reload.\n",
            &[Scope::Process, Scope::Log],
        ),
        (
            "Pipes",
            "These settings stand in\n.Li [pipe.NAME] ,\nor in\n.Li [defaults]\n\
             for all pipes that do not set them.\n\
             A reload applies new values to new connections.\n",
            &[Scope::Ends, Scope::Pipe],
        ),
        (
            "Both ways",
            "These settings stand in\n.Li [both-ways.NAME] ,\ntogether with any setting of a \
             pipe except\n.Cm mode , source\nand\n.Cm target .\n",
            &[Scope::BothWays],
        ),
    ];
    let mut text = String::new();
    for (title, introduction, scopes) in sections {
        text.extend([".Ss ", title, "\n", introduction, ".Bl -tag -width Ds\n"]);
        for option in OPTIONS.iter().filter(|option| scopes.contains(&option.scope)) {
            text += &setting(option).unwrap_or_default();
        }
        text += ".El\n";
    }
    text
}

fn setting(option: &Opt) -> Option<String> {
    let name = option.file?;
    let (help, default) = option.in_file.unwrap_or((option.help, option.default));
    let mut text = format!(".It Cm {name} No = {}\n{}", value(option.kind), sentence(help));
    match option.only {
        Only::Any | Only::UnixSource => {}
        Only::Decrypt => text += "Only for pipes that decrypt.\n",
    }
    let is_of_process = matches!(option.scope, Scope::Process | Scope::Log);
    if is_of_process && !option.key.takes_restart() {
        text += "A reload is enough for a new value.\n";
    }
    if option.scope == Scope::Log {
        text += "It can stand in\n.Li [defaults]\ninstead.\n";
    }
    text += &match default {
        "" if option.required => "Required.\n".to_owned(),
        "" if option.is_flag() => "Default: false.\n".to_owned(),
        "" => String::new(),
        default => sentence(&format!("Default: {default}")),
    };
    let typed = if option.spelling().is_empty() {
        let same = |other: &&Opt| other.key == option.key && other.file.is_none();
        OPTIONS.iter().filter(same).map(spellings).collect::<Vec<_>>()
    } else {
        vec![spellings(option)]
    };
    if !typed.concat().is_empty() {
        text.extend(["Option:\n.", &typed.join(" , "), " .\n"]);
    }
    Some(text)
}

/// What stands for a value in a file.
fn value(kind: Kind) -> String {
    let (words, placeholder) = (kind.words(), kind.placeholder());
    if matches!(kind, Kind::Addresses | Kind::Networks) {
        format!("Ar {placeholder} ...")
    } else if matches!(kind, Kind::Identity) {
        IDENTITY.to_owned()
    } else if matches!(kind, Kind::Keys) {
        "Ar file | directory | table".to_owned()
    } else if !words.is_empty() {
        format!("Cm {}", words.join(" | "))
    } else if placeholder.is_empty() {
        "Cm true | false".to_owned()
    } else {
        format!("Ar {placeholder}")
    }
}

/// With a capital letter and a full stop, in lines of a page.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let words: String = first.into_iter().chain(letters).collect();
    let words: Vec<_> = format!("{words}.").split(' ').map(str::to_owned).collect();
    wrap(&words, 0)
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

/// All of an option, without its value.
fn spellings(option: &Opt) -> String {
    let short = option.short.map(|letter| format!("Fl {letter}"));
    let long = option.long.map(|long| format!("Fl Fl {long}"));
    short.into_iter().chain(long).collect::<Vec<_>>().join(" , ")
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
        "user:group" => format!("{spelling} {IDENTITY}"),
        value => format!("{spelling} Ar {}", value.replace(' ', "")),
    }
}

const IDENTITY: &str = "Ar user | \\&: Ns Ar group | Ar user : Ns Ar group";

/// The page with a block between its marks replaced.
fn with_block(page: &str, name: &str, block: &str) -> String {
    let [begin, end] = ["BEGIN", "END"].map(|mark| format!(".\\\" {mark} {name}\n"));
    let (before, rest) = page.split_once(&begin).expect(name);
    let (_, after) = rest.split_once(&end).expect(name);
    [before, &begin, block, &end, after].concat()
}

fn read(name: &str) -> String {
    fs::read_to_string(page(name)).unwrap()
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name)
}
