//! What people look up while they type: completions, and manual pages.

mod completions;
mod pages;

use std::path::{Path, PathBuf};

/// A folder of the package with the programs.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host").join(name).canonicalize().unwrap()
}
