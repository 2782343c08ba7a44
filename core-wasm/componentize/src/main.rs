//! Build tool: makes a component of a core module, takes the module out again,
//! precompiles a component, renders the interface's documentation, and makes what
//! is published say what it is.

use std::env::args;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

mod compose;
mod crates;
mod document;
mod encode;
mod image;
mod licenses;
mod metadata;
mod oci;
mod precompile;
mod sbom;

use image::About;
use licenses::Apache;
use precompile::InitialData;

fn main() -> Result<()> {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["encode", core, component] => transform(core, component, |core| {
            metadata::describe(&encode::encode(core)?, component, encode::made_by(core)?)
        }),
        ["compose", protocol, program, composed] => {
            let protocol = fs::read(protocol).with_context(|| format!("cannot read {protocol}"))?;
            transform(program, composed, |program| {
                let made_by = encode::made_by(program)?;
                metadata::describe(&compose::compose(&protocol, program)?, composed, made_by)
            })
        }
        ["core", component, core] => transform(component, core, encode::core_module),
        ["precompile", component, code] => transform(component, code, |component| {
            precompile::precompile(component, InitialData::Mapped)
        }),
        ["precompile-copied", component, code] => transform(component, code, |component| {
            precompile::precompile(component, InitialData::Copied)
        }),
        ["document", wit, page] => write(page, document::document(wit)?.as_bytes()),
        ["stamp", component, stamped, revision, source] => {
            transform(component, stamped, |component| metadata::stamp(component, revision, source))
        }
        ["sbom", component, bom, time, ref crates @ ..] => {
            transform(component, bom, |component| sbom::of_component(component, time, crates))
        }
        ["sbom-programs", bom, time, revision, source, ref programs @ ..] => {
            write(bom, &sbom::of_programs(programs, time, revision, source)?)
        }
        ["licenses", "pointer", file] => {
            write(file, licenses::licenses(Apache::Pointer)?.as_bytes())
        }
        ["licenses", "text", file] => write(file, licenses::licenses(Apache::Text)?.as_bytes()),
        ["oci", layout, time, wit, ref components @ ..] => {
            oci::layout(Path::new(layout), time, wit, components)
        }
        ["image", layout, architecture, time, revision, source, archive, compressed] => {
            let about = About { architecture, time, revision, source };
            image::image(Path::new(layout), &about, archive, compressed)
        }
        _ => bail!(
            "usage: componentize encode CORE COMPONENT | compose PROTOCOL PROGRAM COMPOSED | \
             core COMPONENT CORE | precompile COMPONENT CODE | precompile-copied COMPONENT CODE | \
             document WIT PAGE | stamp COMPONENT STAMPED REVISION SOURCE | \
             sbom COMPONENT BOM TIME CRATE... | \
             sbom-programs BOM TIME REVISION SOURCE PROGRAM... | \
             licenses pointer|text FILE | oci LAYOUT TIME WIT COMPONENT... | \
             image LAYOUT ARCHITECTURE TIME REVISION SOURCE ARCHIVE COMPRESSED"
        ),
    }
}

fn transform(input: &str, output: &str, step: impl FnOnce(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let bytes = fs::read(input).with_context(|| format!("cannot read {input}"))?;
    let result = step(&bytes).with_context(|| format!("cannot process {input}"))?;
    write(output, &result)
}

/// Writes to a temporary name first: what stands at `output` is whole.
fn write(output: &str, bytes: &[u8]) -> Result<()> {
    let temporary = Path::new(output).with_extension("tmp");
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, output))
        .with_context(|| format!("cannot write {output}"))
}
