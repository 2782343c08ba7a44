//! A bill of materials: what is in a component or a program, as `CycloneDX` 1.5 has it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::crates::{self, Crate, Root};
use crate::metadata;
use crate::oci::sha256;

/// Of a component that was made from these crates of the workspace.
pub(crate) fn of_component(component: &[u8], time: &str, crates: &[&str]) -> Result<Vec<u8>> {
    let about = metadata::read(component)?;
    let name = about.name.context("the component has no name")?;
    let hash = sha256(component);
    let mut subject = json!({
        "type": "application",
        "bom-ref": name,
        "name": name,
        "hashes": hashes(&hash),
    });
    set(&mut subject, "version", about.version.map(|version| json!(version.to_string())));
    set(&mut subject, "description", about.description.map(|text| json!(text.to_string())));
    set(&mut subject, "licenses", about.licenses.map(|license| licenses(&license.to_string())));
    let revision = about.revision.map(|revision| revision.to_string());
    set_origin(&mut subject, revision, about.source.map(|source| source.to_string()));
    let roots: Vec<_> = crates.iter().map(|name| Root { name, native: false }).collect();
    let compiler = about.producers.as_ref().and_then(|tools| tools.get("processed-by"));
    let compiler = compiler.and_then(|tools| tools.get("rustc").cloned());
    bom(&subject, &hash, time, &roots, compiler.as_deref())
}

/// Of the programs, with the component inside.
pub(crate) fn of_programs(
    programs: &[&str],
    time: &str,
    revision: &str,
    source: &str,
) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    let mut hash = String::new();
    for program in programs {
        let bytes = fs::read(program).with_context(|| format!("cannot read {program}"))?;
        let of_file = sha256(&bytes);
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
        files.push(json!({ "type": "file", "name": name, "hashes": hashes(&of_file) }));
        hash += &of_file;
    }
    let mut subject = json!({
        "type": "application",
        "bom-ref": PROGRAMS,
        "name": PROGRAMS,
        "version": env!("CARGO_PKG_VERSION"),
        "licenses": licenses(env!("CARGO_PKG_LICENSE")),
        "components": files,
    });
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    set_origin(&mut subject, known(revision), known(source));
    let roots = ROOTS_OF_PROGRAMS;
    bom(&subject, &sha256(hash.as_bytes()), time, &roots, Some(&crates::compiler()?.version))
}

/// What the programs are called together.
const PROGRAMS: &str = "spiped-wasm";

/// What is compiled into them, and into the component that they carry.
const ROOTS_OF_PROGRAMS: [Root; 2] =
    [Root { name: "spiped", native: true }, Root { name: "spiped-core", native: false }];

/// The same input gives the same output; an empty `time` is left out.
fn bom(
    subject: &Value,
    hash: &str,
    time: &str,
    roots: &[Root],
    compiler: Option<&str>,
) -> Result<Vec<u8>> {
    let mut head = json!({ "component": subject });
    set(&mut head, "timestamp", (!time.is_empty()).then(|| json!(time)));

    let mut crates = crates::compiled(roots)?;
    let mut direct: Vec<_> = roots.iter().map(|root| crates::of_workspace(root.name)).collect();
    if let Some(compiler) = compiler {
        let (url, library) = crates::library(compiler);
        direct.push(url.clone());
        crates.insert(url, library);
    }
    let parts: Vec<_> = crates.iter().map(|(url, part)| describe(url, part)).collect();
    let mut uses = vec![json!({ "ref": subject["bom-ref"], "dependsOn": direct })];
    uses.extend(crates.iter().map(|(url, part)| json!({ "ref": url, "dependsOn": part.uses })));
    let bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial_number(hash),
        "version": 1,
        "metadata": head,
        "components": parts,
        "dependencies": uses,
    });
    Ok(format!("{bom:#}\n").into_bytes())
}

/// Says which commit it is from, and where the sources are.
fn set_origin(subject: &mut Value, revision: Option<String>, source: Option<String>) {
    set(subject, "pedigree", revision.map(|uid| json!({ "commits": [{ "uid": uid }] })));
    let references = source.map(|url| json!([{ "type": "vcs", "url": url }]));
    set(subject, "externalReferences", references);
}

fn describe(url: &str, part: &Crate) -> Value {
    let mut description = json!({
        "type": "library",
        "bom-ref": url,
        "name": part.name,
        "version": part.version,
        "purl": url,
        "licenses": licenses(&part.license),
    });
    set(&mut description, "hashes", part.sha256.as_deref().map(hashes));
    let features = (!part.features.is_empty())
        .then(|| json!([{ "name": "cargo:features", "value": part.features }]));
    set(&mut description, "properties", features);
    description
}

fn licenses(expression: &str) -> Value {
    json!([{ "expression": expression }])
}

fn hashes(sha256: &str) -> Value {
    json!([{ "alg": "SHA-256", "content": sha256 }])
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}

/// A name for this document: as another component has another one, out of its hash.
fn serial_number(hash: &str) -> String {
    let fields = [0..8, 8..12, 12..15, 15..18, 18..30].map(|digits| &hash[digits]);
    let [low, middle, high, clock, node] = fields;
    // Version 8 is for whatever an application makes of the other bits.
    format!("urn:uuid:{low}-{middle}-8{high}-8{clock}-{node}")
}
