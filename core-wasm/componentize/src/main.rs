//! Build tool: makes a component of a core module, takes the module out again,
//! precompiles a component, and renders the interface's documentation.

use std::env::args;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};
use wasmtime::Engine;
use wit_bindgen_core::Files;
use wit_component::ComponentEncoder;
use wit_parser::Resolve;

#[path = "../../../host/src/guest/engine_config.rs"]
mod engine_config;

use engine_config::{InitialData, engine_config};

fn main() -> Result<()> {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["encode", core, component] => transform(core, component, encode),
        ["core", component, core] => transform(component, core, core_module),
        ["precompile", component, code] => {
            transform(component, code, |component| precompile(component, InitialData::Mapped))
        }
        ["precompile-copied", component, code] => {
            transform(component, code, |component| precompile(component, InitialData::Copied))
        }
        ["document", wit, page] => document(wit, page),
        _ => bail!(
            "usage: componentize encode CORE COMPONENT | core COMPONENT CORE | \
             precompile COMPONENT CODE | precompile-copied COMPONENT CODE | document WIT PAGE"
        ),
    }
}

/// Core module, with its bindings' custom sections, to component. What is there
/// for people who read machine code stays behind.
fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(&strip(core)?)?.encode()
}

/// A module without names and debug information.
fn strip(core: &[u8]) -> Result<Vec<u8>> {
    let mut stripped = Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload
            && (custom.name().starts_with(".debug_")
                || ["name", "producers"].contains(&custom.name()))
        {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            let (start, end) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
            stripped.section(&RawSection { id, data: &core[start..end] });
        }
    }
    Ok(stripped.finish())
}

/// The module inside a component, for hosts that run core modules only. Those
/// that follow it only connect its resources with the component's.
fn core_module(component: &[u8]) -> Result<Vec<u8>> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload? {
            let (start, end) =
                (usize::try_from(unchecked_range.start)?, usize::try_from(unchecked_range.end)?);
            return Ok(component[start..end].to_vec());
        }
    }
    bail!("no component: there is no module inside")
}

/// Component to machine code for any processor of this architecture, so that
/// the program runs on machines older than the one that built it.
fn precompile(component: &[u8], initial_data: InitialData) -> Result<Vec<u8>> {
    let mut config = engine_config(initial_data);
    config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    Ok(Engine::new(&config)?.precompile_component(component)?)
}

/// A folder of WIT to a page of Markdown: the world with all interfaces.
fn document(wit: &str, page: &str) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some("native"))?;
    let mut files = Files::default();
    wit_bindgen_markdown::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    let markdown = files.iter().find(|(name, _)| *name == "native.md");
    let (_, markdown) = markdown.context("the generator made no Markdown")?;
    let mut markdown = String::from_utf8(markdown.to_vec())?;
    // What the generator leaves out: the text about each exported interface.
    for (id, interface) in &resolve.interfaces {
        let name = resolve.id_of(id).unwrap_or_default();
        let heading = format!("Export interface {name}\n");
        let text = interface.docs.contents.as_deref().unwrap_or_default();
        // Below that heading.
        let text = text.replace("\n## ", "\n### ");
        markdown = markdown.replace(&heading, &format!("{heading}\n{text}\n"));
    }
    let about = &resolve.packages[package].docs.contents;
    let title = "# The component's interface\n\nRendered from `wit/` by `make wit-docs`.";
    let head = format!("{title}\n\n{}\n\n", about.as_deref().unwrap_or_default());
    write(page, (head + &markdown).as_bytes())
}

fn transform(input: &str, output: &str, step: fn(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
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
