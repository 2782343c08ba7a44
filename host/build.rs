//! Tells the daemon where its precompiled component is, and links the programs.

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
    // It is a hash of the symbols, too. Some of their names depend on the directory of the
    // build, while the code does not. Packages have the programs without symbols.
    println!("cargo::rustc-link-arg-bins=-Wl,--build-id=none");
}
