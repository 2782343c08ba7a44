//! Tells the daemon where its precompiled component is.

use std::env;
use std::path::Path;

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let component = Path::new(&manifest).with_file_name("target/components/spiped-native.cwasm");
    assert!(component.exists(), "{} is missing: run make first", component.display());
    println!("cargo::rerun-if-changed={}", component.display());
    println!("cargo::rustc-env=SPIPED_COMPONENT={}", component.display());
}
