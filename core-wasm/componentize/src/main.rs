//! Build tool: makes a component of a core module, and precompiles one.

use std::env::args;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wasmtime::Engine;
use wit_component::ComponentEncoder;

#[path = "../../../host/src/guest/engine_config.rs"]
mod engine_config;

fn main() -> Result<()> {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["encode", core, component] => transform(core, component, encode),
        ["precompile", component, code] => transform(component, code, precompile),
        _ => bail!("usage: componentize encode CORE COMPONENT | precompile COMPONENT CODE"),
    }
}

/// Core module, with its bindings' custom sections, to component.
fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(core)?.encode()
}

/// Component to machine code for any processor of this architecture, so that
/// the program runs on machines older than the one that built it.
fn precompile(component: &[u8]) -> Result<Vec<u8>> {
    let mut config = engine_config::engine_config();
    config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    Ok(Engine::new(&config)?.precompile_component(component)?)
}

/// Writes to a temporary name first: what stands at `output` is whole.
fn transform(input: &str, output: &str, step: fn(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let bytes = fs::read(input).with_context(|| format!("cannot read {input}"))?;
    let result = step(&bytes).with_context(|| format!("cannot process {input}"))?;
    let temporary = Path::new(output).with_extension("tmp");
    fs::write(&temporary, result)
        .and_then(|()| fs::rename(&temporary, output))
        .with_context(|| format!("cannot write {output}"))
}
