//! The crates that are compiled into a component or a program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// What components are compiled for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Crates by what names each of them everywhere, its package URL.
pub(crate) type Crates = BTreeMap<String, Crate>;

/// A crate, as it was compiled.
#[derive(Default)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An expression of SPDX.
    pub(crate) license: String,
    pub(crate) features: String,
    /// The SHA-256 of its archive, if it comes out of a registry.
    pub(crate) sha256: Option<String>,
    /// The package URLs of those it calls.
    pub(crate) uses: BTreeSet<String>,
}

/// A crate of the workspace, and whether it is compiled for this machine or, else, for
/// wasm32.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a> {
    pub(crate) name: &'a str,
    pub(crate) native: bool,
}

/// What a compiler has for this machine.
pub(crate) struct Compiler {
    pub(crate) version: String,
    /// The platform it runs on.
    pub(crate) host: String,
}

/// All that is compiled into modules or programs made from these crates of the workspace.
/// What runs at build time is not: build scripts, procedural macros.
pub(crate) fn compiled(roots: &[Root]) -> Result<Crates> {
    let mut crates = Crates::new();
    for root in roots {
        add_tree(&tree(*root)?, &mut crates)?;
    }
    let lock = fs::read_to_string("Cargo.lock").context("cannot read Cargo.lock")?;
    for package in lock.split("[[package]]") {
        if let [Some(name), Some(version), checksum] =
            ["name", "version", "checksum"].map(|field| field_of(package, field))
            && let Some(known) = crates.get_mut(&package_url(name, version))
        {
            known.sha256 = checksum.map(str::to_owned);
        }
    }
    Ok(crates)
}

/// The package URL of a crate of this workspace.
pub(crate) fn of_workspace(name: &str) -> String {
    package_url(name, env!("CARGO_PKG_VERSION"))
}

/// The name by which all databases know a crate.
pub(crate) fn package_url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// The compiler that programs for this machine are made with.
pub(crate) fn compiler() -> Result<Compiler> {
    let about = answer(Command::new("rustc").arg("-vV"))?;
    let field = |name: &str| {
        let value = about.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(str::to_owned).with_context(|| format!("rustc: no {name}"))
    };
    Ok(Compiler { version: field("release")?, host: field("host")? })
}

/// The Rust standard library, or what a module has of it.
pub(crate) fn library(compiler: &str) -> (String, Crate) {
    let version = compiler.split(' ').next().unwrap_or_default();
    let library = Crate {
        name: "rust".into(),
        version: version.into(),
        license: "MIT OR Apache-2.0".into(),
        ..Crate::default()
    };
    (format!("pkg:generic/rust@{version}"), library)
}

/// What a command prints.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// What cargo prints: a line for each use of a crate, indented by a number.
fn tree(root: Root) -> Result<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["tree", "--locked", "--package", root.name]);
    if !root.native {
        cargo.args(["--target", WASM]);
    }
    cargo.args(["--edges", "normal,no-proc-macro", "--no-dedupe", "--prefix", "depth"]);
    answer(cargo.args(["--format", "|{p}|{l}|{f}"]))
}

fn add_tree(tree: &str, crates: &mut Crates) -> Result<()> {
    // From the root down to the crate of the line before.
    let mut path: Vec<String> = Vec::new();
    for line in tree.lines() {
        let fields: Vec<_> = line.split('|').collect();
        let [depth, package, license, features] = fields[..] else {
            bail!("not what cargo tree prints: {line}");
        };
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().and_then(|version| version.strip_prefix('v'));
        let version = version.with_context(|| format!("no version: {line}"))?;
        let url = package_url(name, version);
        path.truncate(depth.parse()?);
        if let Some(user) = path.last().and_then(|user| crates.get_mut(user)) {
            user.uses.insert(url.clone());
        }
        crates.entry(url.clone()).or_insert_with(|| Crate {
            name: name.into(),
            version: version.into(),
            // As crates wrote it before SPDX.
            license: license.replace('/', " OR "),
            features: features.into(),
            ..Crate::default()
        });
        path.push(url);
    }
    Ok(())
}

/// `field = "VALUE"` on a line of its own.
fn field_of<'a>(package: &'a str, field: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix(field)?.strip_prefix(" = \"")?.strip_suffix('"');
    package.lines().find_map(value)
}
