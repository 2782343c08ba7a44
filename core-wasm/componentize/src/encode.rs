//! Core module to component, and back.

use anyhow::{Result, bail};
use wasm_encoder::{Module, RawSection};
use wasm_metadata::{Producers, ProducersField};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::metadata::Tools;

/// Core module, with its bindings' custom sections, to component. What is there
/// for people who read machine code stays behind.
pub(crate) fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(&strip(core)?)?.encode()
}

/// The tools that made a module or a component.
pub(crate) fn made_by(wasm: &[u8]) -> Result<Tools> {
    let producers = Producers::from_wasm(wasm)?.unwrap_or_default();
    let tools = producers.get("processed-by");
    let tools = tools.iter().flat_map(ProducersField::iter);
    Ok(tools.map(|(name, version)| (name.clone(), version.clone())).collect())
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
pub(crate) fn core_module(component: &[u8]) -> Result<Vec<u8>> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload? {
            let (start, end) =
                (usize::try_from(unchecked_range.start)?, usize::try_from(unchecked_range.end)?);
            return Ok(component[start..end].to_vec());
        }
    }
    bail!("no component: there is no module inside")
}
