//! The texts in the source that a person can read.

use std::fmt;
use std::fs;
use std::mem;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A string literal, and where it is.
pub(super) struct Literal {
    file: String,
    line: usize,
    /// Between its placeholders.
    fixed: Vec<String>,
    is_error: bool,
}

/// All of the daemon and the core, in the order of their files.
pub(super) fn literals() -> Vec<Literal> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["host/src", "core-wasm/src"] {
        list(&root, folder, &mut files);
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(root.join(&file)).unwrap();
        let tokens: TokenStream = text.parse().unwrap();
        Reader { file: &file, found: &mut found }.read(tokens, false);
    }
    found
}

fn list(root: &Path, folder: &str, files: &mut Vec<String>) {
    for entry in root.join(folder).read_dir().unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        let (file, is_rust) =
            (Path::new(&path), Path::new(&path).extension() == Some("rs".as_ref()));
        if file.ends_with("tests") || file.ends_with("tests.rs") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            list(root, &path, files);
        } else if is_rust {
            files.push(path);
        }
    }
}

impl Literal {
    /// A literal with this content; `is_error` if it is the text of an error type.
    pub(super) fn new(file: &str, line: usize, text: &str, is_error: bool) -> Self {
        Self { file: file.to_owned(), line, fixed: fixed_parts(&without_frame(text)), is_error }
    }

    /// Whether it has to have an entry: it is a sentence, or an error, and can be seen.
    pub(super) fn is_message(&self) -> bool {
        let text = self.fixed.join("{}");
        let is_word = |word: &&str| word.contains(|char: char| char.is_ascii_lowercase());
        let words = text.split_whitespace().filter(is_word).count();
        let is_sentence = words > 1 && text.split_whitespace().count() > 2;
        let is_shown_elsewhere = SHOWN_ELSEWHERE.iter().any(|(place, _)| {
            self.file
                .strip_prefix(place)
                .is_some_and(|rest| rest.is_empty() || place.ends_with('/'))
        });
        (is_sentence || self.is_error && words > 1) && !is_shown_elsewhere
    }

    /// Whether this entry is about it: the same text, with a word in capitals, or nothing,
    /// for each placeholder.
    pub(super) fn is_said_by(&self, entry: &str) -> bool {
        fn rest_matches(fixed: &[String], entry: &str) -> bool {
            let Some((next, others)) = fixed.split_first() else { return entry.is_empty() };
            let is_name = |char: &char| char.is_ascii_uppercase() || "-_".contains(*char);
            let longest = entry.chars().take_while(is_name).count();
            (0..=longest).any(|len| {
                entry[len..].strip_prefix(&**next).is_some_and(|rest| rest_matches(others, rest))
            })
        }
        let Some((first, others)) = self.fixed.split_first() else { return false };
        entry.strip_prefix(&**first).is_some_and(|rest| rest_matches(others, rest))
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fixed.join("{}"))
    }
}

/// Collects the literals of a file.
struct Reader<'a> {
    file: &'a str,
    found: &'a mut Vec<Literal>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream, is_error: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = &tokens[..];
        while let Some((first, others)) = rest.split_first() {
            rest = match rest {
                [hash, TokenTree::Group(attribute), after @ ..] if is_punct(hash, '#') => {
                    self.read_attribute(attribute.stream());
                    if is_of_tests(&attribute.stream()) { after_item(after) } else { after }
                }
                // Of a whole file.
                [hash, bang, TokenTree::Group(_), after @ ..]
                    if is_punct(hash, '#') && is_punct(bang, '!') =>
                {
                    after
                }
                [name, bang, TokenTree::Group(_), after @ ..]
                    if is_punct(bang, '!') && is_one_of(name, &SILENT_MACROS) =>
                {
                    after
                }
                [dot, name, TokenTree::Group(_), after @ ..]
                    if is_punct(dot, '.') && is_one_of(name, &SILENT_METHODS) =>
                {
                    after
                }
                _ => {
                    match first {
                        TokenTree::Group(group) => self.read(group.stream(), is_error),
                        TokenTree::Literal(literal) => {
                            let line = literal.span().start().line;
                            let text = value(&literal.to_string());
                            let literal =
                                |text: String| Literal::new(self.file, line, &text, is_error);
                            self.found.extend(text.map(literal));
                        }
                        TokenTree::Ident(_) | TokenTree::Punct(_) => {}
                    }
                    others
                }
            };
        }
    }

    /// Of all attributes, only those of error types have something to say.
    fn read_attribute(&mut self, attribute: TokenStream) {
        let mut tokens = attribute.into_iter();
        if tokens.next().is_some_and(|name| is_one_of(&name, &["error"])) {
            self.read(tokens.collect(), true);
        }
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_one_of(token: &TokenTree, names: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if names.iter().any(|name| ident == name))
}

fn is_of_tests(attribute: &TokenStream) -> bool {
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

/// What follows an item: it ends with its block, or with a semicolon.
fn after_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => is_punct(token, ';'),
    };
    let end = tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1);
    &tokens[end..]
}

/// What a string literal stands for; nothing for other literals.
fn value(literal: &str) -> Option<String> {
    let quoted = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = quoted.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek()) {
            ('\\', Some('\n')) => while chars.next_if(|char| char.is_whitespace()).is_some() {},
            ('\\', Some('n' | 't' | 'r')) => {
                chars.next();
                text.push(' ');
            }
            ('\\', Some(_)) => text.extend(chars.next()),
            (char, _) => text.push(char),
        }
    }
    Some(text)
}

/// Without what joins it to the words before: a separator, or brackets around all of it.
fn without_frame(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    let text = text.trim_start_matches([',', ';', ':', ' ']);
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inner.unwrap_or(text).to_owned()
}

/// The parts between placeholders.
fn fixed_parts(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if "{}".contains(char) && chars.next_if_eq(&char).is_none() && char == '{' {
            let mut rest = chars.clone();
            if rest.any(|char| char == '}') {
                chars = rest;
                parts.push(mem::take(&mut part));
                continue;
            }
        }
        part.push(char);
    }
    parts.push(part);
    parts
}

/// Macros whose texts come with a panic, whose message has an entry, or are read by the
/// compiler alone.
const SILENT_MACROS: [&str; 8] = [
    "asm",
    "assert",
    "assert_eq",
    "const_monty_params",
    "debug_assert",
    "debug_assert_eq",
    "panic",
    "unreachable",
];

/// Methods whose text comes with a panic, or is taken away.
const SILENT_METHODS: [&str; 2] = ["expect", "strip_prefix"];

/// Files and folders whose sentences are no messages, and why.
const SHOWN_ELSEWHERE: [(&str, &str); 10] = [
    ("host/src/cli/help/", "the help"),
    ("host/src/commands/live/screen.rs", "what status shows"),
    ("host/src/commands/live/table.rs", "what status shows"),
    ("host/src/config/build/", "what a setting can be, at the end of a message"),
    ("host/src/config/options.rs", "what a setting can be, at the end of a message"),
    ("host/src/config/table.rs", "the help"),
    ("host/src/config/write.rs", "a settings file"),
    ("host/src/daemon/metrics/exposition.rs", "what metrics are about"),
    ("host/src/daemon/metrics/page.rs", "the status page"),
    ("host/src/guest/imports.rs", "what a broken component did, at the end of a message"),
];
