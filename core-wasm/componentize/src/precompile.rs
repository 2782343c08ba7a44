//! Component to machine code.

use anyhow::Result;
use wasmtime::Engine;

#[path = "../../../host/src/guest/engine_config.rs"]
mod engine_config;

pub(crate) use engine_config::InitialData;
use engine_config::engine_config;

/// Component to machine code for any processor of this architecture, so that
/// the program runs on machines older than the one that built it.
pub(crate) fn precompile(component: &[u8], initial_data: InitialData) -> Result<Vec<u8>> {
    let mut config = engine_config(initial_data);
    config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))?;
    Ok(Engine::new(&config)?.precompile_component(component)?)
}
