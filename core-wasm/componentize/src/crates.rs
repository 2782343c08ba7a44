//! The crates that are compiled into a component.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

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

/// All that is compiled into modules for wasm32 made from these crates of the workspace.
/// What runs at build time is not: build scripts, procedural macros.
pub(crate) fn compiled(roots: &[&str]) -> Result<Crates> {
    let mut crates = Crates::new();
    for root in roots {
        add_tree(&tree(root)?, &mut crates)?;
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
fn package_url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// What cargo says: a line for each use of a crate, indented by a number.
fn tree(root: &str) -> Result<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["tree", "--locked", "--package", root, "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--edges", "normal,no-proc-macro", "--no-dedupe", "--prefix", "depth"]);
    cargo.args(["--format", "|{p}|{l}|{f}"]).stderr(Stdio::inherit());
    let output = cargo.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo tree: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
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
