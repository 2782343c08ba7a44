//! What the built components ask of their host.

use spiped_component_tests::built;
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use crate::engine_config::{InitialData, engine_config};

const EXPORTS: [&str; 4] = [
    "spiped:pipe/types@0.1.0",
    "spiped:pipe/acceptor@0.1.0",
    "spiped:pipe/session@0.1.0",
    "spiped:pipe/pairing@0.1.0",
];

fn interface(engine: &Engine, name: &str) -> (Vec<String>, Vec<String>) {
    let component = Component::from_file(engine, built(name)).unwrap();
    let component = component.component_type();
    let imports = component.imports(engine).map(|(name, _)| name.to_owned());
    let exports = component.exports(engine).map(|(name, _)| name.to_owned());
    (imports.collect(), exports.collect())
}

#[test]
fn portable_world_imports_nothing_at_all() {
    // Nor does it need more of the instructions than every runtime has.
    let mut config = Config::new();
    config.wasm_relaxed_simd(false).wasm_wide_arithmetic(false).wasm_tail_call(false);
    let engine = Engine::new(&config).unwrap();
    let (imports, exports) = interface(&engine, "spiped-portable.wasm");
    assert_eq!(imports, [""; 0]);
    assert_eq!(exports, EXPORTS);
}

#[test]
fn native_world_imports_bulk_cryptography_only() {
    let engine = Engine::new(&engine_config(InitialData::Mapped)).unwrap();
    let (imports, exports) = interface(&engine, "spiped-native.wasm");
    assert_eq!(imports, ["spiped:pipe/packet-crypto@0.1.0", "spiped:pipe/key-search@0.1.0"]);
    assert_eq!(exports, EXPORTS);
}
