//! What `make deb dist image` has made.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Process;

/// A file of `target/packages`.
///
/// # Panics
/// If it is not there.
#[track_caller]
pub fn packaged(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/packages").join(name);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}: run make deb dist image", path.display()))
}

/// The name of the Debian package.
pub fn debian() -> String {
    format!("spiped-wasm_{}_{}.deb", version(), architecture())
}

/// The version in the names of packages.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// This machine's, as Debian calls it.
pub fn architecture() -> String {
    let mut dpkg = Command::new("dpkg");
    dpkg.arg("--print-architecture");
    Process::spawn(dpkg).wait().answer()
}
