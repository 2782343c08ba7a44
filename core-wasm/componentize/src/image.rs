//! The programs as an image for containers.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::oci::{Layout, annotation, sha256};

/// What is known of an image.
pub(crate) struct About<'a> {
    pub(crate) architecture: &'a str,
    pub(crate) time: &'a str,
    pub(crate) revision: &'a str,
    pub(crate) source: &'a str,
}

/// Writes the layout of an image that has one layer: the archive of a root file system, here
/// also as it is compressed.
pub(crate) fn image(layout: &Path, about: &About, archive: &str, compressed: &str) -> Result<()> {
    let read = |path| fs::read(path).with_context(|| format!("cannot read {path}"));
    let layout = Layout::new(layout, about.time)?;
    let layer = layout.blob(LAYER, &read(compressed)?)?;
    let labels = labels(about);
    let config = json!({
        "created": about.time,
        "architecture": about.architecture,
        "os": "linux",
        "config": {
            "User": "65532:65532",
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": ["spiped"],
            "Cmd": ["-F", "--config", "/etc/spiped/spiped.toml"],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": labels,
            // Not of OCI; Docker and Podman know it. Times are in nanoseconds.
            "Healthcheck": {
                "Test": ["CMD", "spiped", "status"],
                "Interval": 30_000_000_000_u64,
                "Timeout": 5_000_000_000_u64,
                "StartPeriod": 60_000_000_000_u64,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&read(archive)?))] },
        "history": [{ "created": about.time, "created_by": "spiped-wasm" }],
    });
    let config = layout.blob(CONFIG, config.to_string().as_bytes())?;
    let mut manifest = layout.manifest(&config, &layer, &labels)?;
    manifest["platform"] = json!({ "architecture": about.architecture, "os": "linux" });
    manifest["annotations"] = json!({ annotation("ref.name"): env!("CARGO_PKG_VERSION") });
    layout.finish(&[manifest])
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The same for whoever looks at the manifest and for whoever looks at the image. What is
/// empty is not known.
fn labels(about: &About) -> Value {
    let mut labels = json!({});
    for (field, value) in [
        ("title", "spiped-wasm"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("created", about.time),
        ("revision", about.revision),
        ("source", about.source),
    ] {
        if !value.is_empty() {
            labels[annotation(field)] = json!(value);
        }
    }
    labels
}
