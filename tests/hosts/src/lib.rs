//! The portable component in hosts that are not ours. See `tests/`.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test harness reports by panicking"
)]

mod composed;
mod figures;
mod table;

use std::path::{Path, PathBuf};

pub use composed::composed;
pub use figures::figures;
pub use table::{BUN, C, DENO, EMBEDDED, Host, NODE, ORACLE, PYTHON, WASI};

/// The path of a component that `make` built.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    target("components").join(name)
}

/// The path of a package that `make packages` made. In its name, `VERSION` stands for
/// the project's.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn packed(name: &str) -> PathBuf {
    let package = target("packages").join(name.replace("VERSION", env!("CARGO_PKG_VERSION")));
    assert!(package.exists(), "{} is missing: run make packages", package.display());
    package
}

/// A path in the project's `target`.
#[must_use]
pub fn target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(path)
}
