//! Whose work is in the packages, and on what terms, in Debian's machine-readable form.
//!
//! All texts are those that the crates come with. Of each crate the notices that are its own
//! are listed, and each licence once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::crates::{self, Crate, Root, WASM, answer, package_url};

/// What is compiled into the programs and components of a package.
const ROOTS: [Root; 3] = [
    Root { name: "spiped", native: true },
    Root { name: "spiped-core", native: false },
    Root { name: "spiped-wasi", native: false },
];

/// How to recognize the text of a licence: by words that only it has. The first that fits.
const PHRASES: [(&str, &str); 7] = [
    (LLVM, "LLVM Exceptions to the Apache 2.0 License"),
    ("Apache-2.0", "Apache License Version 2.0, January 2004"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("BSD-3-Clause", "Neither the name"),
    ("BSD-2-Clause", "Redistribution and use in source and binary forms"),
    ("Zlib", "This software is provided 'as-is'"),
    ("Unlicense", "This is free and unencumbered software"),
];

const LLVM: &str = "Apache-2.0 WITH LLVM-exception";

/// Whether the text of the Apache licence is part of the file. Debian has it on every system
/// and forbids to repeat it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apache {
    Pointer,
    Text,
}

/// The whole file.
pub(crate) fn licenses(apache: Apache) -> Result<String> {
    let project = Notices::of(&[fs::read_to_string("LICENSE").context("cannot read LICENSE")?]);
    let crates = crates::compiled(&ROOTS)?;
    let mut notices = BTreeMap::new();
    let published = published()?;
    // Those of this project have no checksum.
    for (url, part) in crates.iter().filter(|(_, part)| part.sha256.is_some()) {
        let published = published.get(url).with_context(|| format!("no sources of {url}"))?;
        let mut found = Notices::of(&texts(&published.directory)?);
        if found.holders.is_empty() {
            found.holders.clone_from(&published.authors);
        }
        if found.holders.is_empty() {
            found.holders = vec![format!("The authors of {}", part.name)];
        }
        notices.insert(url, (part, found));
    }
    let mut all: Vec<_> = notices.values().map(|(_, notices)| notices).collect();
    all.push(&project);
    let standard = standard(&all);
    let known: Vec<_> = standard.values().map(|text| words(text)).collect();

    let mut file = HEAD.to_owned();
    let mut used = BTreeSet::new();
    stanza(&mut file, "*", &project.holders, env!("CARGO_PKG_LICENSE"), &[], &mut used)?;
    for (part, notices) in notices.values() {
        let files = format!("vendor/{}-{}/*", part.name, part.version);
        let own = notices.own(&known);
        stanza(&mut file, &files, &notices.holders, &part.license, &own, &mut used)?;
    }
    let (_, Crate { version, license, .. }) = crates::library(&crates::compiler()?.version);
    let files = format!("rust-{version}/library/*");
    let holders = ["The Rust Project Developers and others".to_owned()];
    let own = ["The compiler's documentation lists all of them in COPYRIGHT-library.html."];
    stanza(&mut file, &files, &holders, &license, &own.map(str::to_owned), &mut used)?;
    for id in used {
        let text = standard.get(id.as_str()).with_context(|| format!("no text of {id}"))?;
        let text = match (id.as_str(), apache) {
            ("Apache-2.0", Apache::Pointer) => POINTER,
            (LLVM, _) => {
                let exceptions = text.find("--- LLVM Exceptions").context("no exceptions")?;
                &format!("Apache-2.0, and:\n\n{}", &text[exceptions..])
            }
            _ => text,
        };
        write!(file, "\nLicense: {}\n{}", short_name(&id), indented(text))?;
    }
    Ok(file)
}

const HEAD: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: spiped-wasm
Comment:
 Programs and components contain this project, the crates below and parts of the standard
 library of Rust. The files of crates are named as \"cargo vendor --versioned-dirs\" lays them
 out.
";

const POINTER: &str = "On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.";

fn stanza(
    file: &mut String,
    files: &str,
    holders: &[String],
    license: &str,
    own: &[String],
    used: &mut BTreeSet<String>,
) -> Result<()> {
    let ids = license.replace(['(', ')'], "").replace(" AND ", " OR ");
    used.extend(ids.split(" OR ").map(str::to_owned));
    write!(file, "\nFiles: {files}\nCopyright: {}\n", holders.join("\n "))?;
    // A comma before what binds less.
    let expression = license.replace(") AND ", ", and ").replace('(', "");
    ensure!(!expression.contains(')'), "{files}: {license}");
    let names = expression.replace(" OR ", " or ").replace(LLVM, &short_name(LLVM));
    let names: Vec<_> = names
        .split(' ')
        .map(|word| match word.trim_end_matches(',') {
            "MIT" => word.replace("MIT", &short_name("MIT")),
            _ => word.to_owned(),
        })
        .collect();
    writeln!(file, "License: {}", names.join(" "))?;
    if !own.is_empty() {
        write!(file, "Comment:\n{}", indented(&own.join("\n\n")))?;
    }
    Ok(())
}

/// What Debian calls a licence of SPDX.
fn short_name(id: &str) -> String {
    match id {
        "MIT" => "Expat".into(),
        _ => id.replace(' ', "-"),
    }
}

/// As a field of several lines.
fn indented(text: &str) -> String {
    text.trim_end().lines().fold(String::new(), |text, line| match line.trim_end() {
        "" => text + " .\n",
        line => text + " " + line + "\n",
    })
}

/// What a crate says of its authors and terms.
struct Notices {
    holders: Vec<String>,
    /// Files without the lines about holders.
    texts: Vec<String>,
}

impl Notices {
    fn of(files: &[String]) -> Self {
        let mut holders = Vec::new();
        let texts = files.iter().map(|file| {
            let mut text = String::new();
            for line in file.lines() {
                match holder(line) {
                    Some("") => {}
                    Some(holder) if holders.iter().any(|known| known == holder) => {}
                    Some(holder) => holders.push(holder.to_owned()),
                    None => text = text + line.trim_end() + "\n",
                }
            }
            text
        });
        let texts = texts.collect();
        Self { holders, texts }
    }

    /// What is part of no licence's usual text.
    fn own(&self, known: &[String]) -> Vec<String> {
        let mut own = Vec::new();
        for paragraph in self.texts.iter().flat_map(|text| text.split("\n\n")) {
            let paragraph = paragraph.trim_matches('\n');
            let usual = || known.iter().any(|text| text.contains(&words(paragraph)));
            if !is_title(paragraph) && !usual() {
                own.push(paragraph.to_owned());
            }
        }
        own
    }
}

/// The holder, if this is a line about one; nothing, if it is for one to be filled in.
fn holder(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['/', '#', '*', ' ']);
    let rest = line.strip_prefix("Copyright ").or_else(|| line.strip_prefix('©'));
    let rest = rest.or_else(|| line.strip_prefix("(c) ").filter(|rest| rest.starts_with('2')))?;
    match rest.chars().next() {
        Some('[' | '<' | '{') => Some(""),
        Some(_) => Some(line),
        None => None,
    }
}

/// Names of licences, rules.
fn is_title(paragraph: &str) -> bool {
    words(paragraph).split(' ').count() <= 6
}

/// In a form that is the same however lines are broken and items are numbered.
fn words(text: &str) -> String {
    let text = text.replace("https:", "http:");
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The usual text of each licence: most crates have it.
fn standard(all: &[&Notices]) -> BTreeMap<&'static str, String> {
    let mut counts: BTreeMap<_, BTreeMap<String, (usize, &String)>> = BTreeMap::new();
    for text in all.iter().flat_map(|notices| &notices.texts) {
        let its_words = words(text);
        let id = PHRASES.iter().find(|(_, phrase)| its_words.contains(&words(phrase)));
        if let Some((id, _)) = id {
            counts.entry(*id).or_default().entry(its_words).or_insert((0, text)).0 += 1;
        }
    }
    let usual = |texts: BTreeMap<String, (usize, &String)>| {
        let (_, text) = texts.into_values().max_by_key(|(count, _)| *count)?;
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.trim_matches('\n'));
        let body: Vec<_> = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect();
        Some(body.join("\n\n"))
    };
    counts.into_iter().filter_map(|(id, texts)| Some((id, usual(texts)?))).collect()
}

/// The files in which a crate says what holds for it.
fn texts(directory: &Path) -> Result<Vec<String>> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let beginnings = ["licen", "unlicen", "copying", "copyright", "notice"];
        if beginnings.iter().any(|beginning| name.starts_with(beginning)) && path.is_file() {
            paths.insert(path);
        }
    }
    let read = |path: &PathBuf| {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// What cargo knows of a crate.
struct Published {
    /// Where its sources are.
    directory: PathBuf,
    authors: Vec<String>,
}

/// All crates by their package URLs.
fn published() -> Result<BTreeMap<String, Published>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", WASM]);
    cargo.args(["--filter-platform", &crates::compiler()?.host]);
    let metadata: Value = serde_json::from_str(&answer(&mut cargo)?)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let published = packages.iter().map(|package| {
        let mut directory = PathBuf::from(text(&package["manifest_path"]));
        directory.pop();
        let authors = package["authors"].as_array().into_iter().flatten().map(text).collect();
        let url = package_url(&text(&package["name"]), &text(&package["version"]));
        (url, Published { directory, authors })
    });
    Ok(published.collect())
}
