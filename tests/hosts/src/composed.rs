//! The protocol inside another component.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, plug};

use crate::built;

/// Composes the consumer with the portable component, and returns the path of
/// the result, `composed.wasm` beside both.
#[must_use]
pub fn composed() -> PathBuf {
    let mut graph = CompositionGraph::new();
    let protocol = register(&mut graph, "spiped:portable", &built("spiped-portable.wasm"));
    let consumer = register(&mut graph, "spiped:consumer", &built("spiped-consumer.wasm"));
    plug(&mut graph, vec![protocol], consumer).unwrap();
    let bytes = graph.encode(EncodeOptions::default()).unwrap();

    // Every test does this for itself; each finds a whole file at any time.
    let path = built("composed.wasm");
    let mut own = NamedTempFile::new_in(path.parent().unwrap()).unwrap();
    own.write_all(&bytes).unwrap();
    own.persist(&path).unwrap();
    path
}

fn register(graph: &mut CompositionGraph, name: &str, component: &Path) -> PackageId {
    let package = Package::from_file(name, None, component, graph.types_mut()).unwrap();
    graph.register_package(package).unwrap()
}
