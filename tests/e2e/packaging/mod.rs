//! What is installed beside the programs, and in what form.

use std::path::{Path, PathBuf};
use std::process::Command;

// Image for containers: run as a container engine does it.
mod image;
// Manifests: to the schemas of Kubernetes, and to ours.
mod kubernetes;
// Debian's package and archives: what is in them, and whether it is the same elsewhere.
mod packages;
// Units: to the manager's own tools.
mod units;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// What a command prints. It must succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}
