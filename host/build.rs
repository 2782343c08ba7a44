//! Tells the daemon where its precompiled component is.

use std::env;
use std::path::Path;

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let components = Path::new(&manifest).with_file_name("target/components");
    for (variable, name) in [
        ("SPIPED_COMPONENT", "spiped-native.cwasm"),
        ("SPIPED_COMPONENT_COPIED", "spiped-native-copied.cwasm"),
    ] {
        let component = components.join(name);
        assert!(component.exists(), "{} is missing: run make first", component.display());
        println!("cargo::rerun-if-changed={}", component.display());
        println!("cargo::rustc-env={variable}={}", component.display());
    }
}
