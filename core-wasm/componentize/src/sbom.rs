//! A bill of materials: what is in a component, as `CycloneDX` 1.5 has it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::crates::{self, Crate};
use crate::metadata;
use crate::oci::sha256;

/// Of a component that was made from these crates of the workspace. The same input
/// gives the same output; an empty `time` is left out.
pub(crate) fn sbom(component: &[u8], time: &str, roots: &[&str]) -> Result<Vec<u8>> {
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
    let commit = about.revision.map(|revision| revision.to_string());
    set(&mut subject, "pedigree", commit.map(|uid| json!({ "commits": [{ "uid": uid }] })));
    let source = about.source.map(|source| source.to_string());
    let references = source.map(|url| json!([{ "type": "vcs", "url": url }]));
    set(&mut subject, "externalReferences", references);
    let mut head = json!({ "component": subject });
    set(&mut head, "timestamp", (!time.is_empty()).then(|| json!(time)));

    let mut crates = crates::compiled(roots)?;
    let mut direct: Vec<_> = roots.iter().map(|root| crates::of_workspace(root)).collect();
    let compiler = about.producers.as_ref().and_then(|tools| tools.get("processed-by"));
    if let Some(compiler) = compiler.and_then(|tools| tools.get("rustc").cloned()) {
        let (url, library) = library_of(&compiler);
        direct.push(url.clone());
        crates.insert(url, library);
    }
    let parts: Vec<_> = crates.iter().map(|(url, part)| describe(url, part)).collect();
    let mut uses = vec![json!({ "ref": name, "dependsOn": direct })];
    uses.extend(crates.iter().map(|(url, part)| json!({ "ref": url, "dependsOn": part.uses })));
    let bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial_number(&hash),
        "version": 1,
        "metadata": head,
        "components": parts,
        "dependencies": uses,
    });
    Ok(format!("{bom:#}\n").into_bytes())
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

/// What the compiler brought along: `core` and `alloc`.
fn library_of(compiler: &str) -> (String, Crate) {
    let version = compiler.split(' ').next().unwrap_or_default();
    let library = Crate {
        name: "rust".into(),
        version: version.into(),
        license: "MIT OR Apache-2.0".into(),
        ..Crate::default()
    };
    (format!("pkg:generic/rust@{version}"), library)
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
