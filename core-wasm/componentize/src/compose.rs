//! A program and the protocol that it imports, in one file.

use anyhow::Result;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, plug};

/// Gives `program` what it imports of `protocol`. What it imports besides, the
/// composition imports.
pub(crate) fn compose(protocol: &[u8], program: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let protocol = register(&mut graph, "spiped:protocol", protocol)?;
    let program = register(&mut graph, "spiped:program", program)?;
    plug(&mut graph, vec![protocol], program)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, component: &[u8]) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}
