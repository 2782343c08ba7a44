//! Components and their interface as an image layout of OCI, to be copied into a
//! registry: an artifact of one layer each, as runtimes and `wkg` pull them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

use crate::metadata;

/// Writes the components and the package in a folder of WIT, with the time, if it is
/// not empty. The same input gives the same files.
pub(crate) fn layout(layout: &Path, time: &str, wit: &str, components: &[&str]) -> Result<()> {
    let layout = Layout::new(layout, time)?;
    let mut manifests = vec![layout.artifact(&interface(wit)?)?];
    for component in components {
        let bytes = fs::read(component).with_context(|| format!("cannot read {component}"))?;
        manifests.push(layout.artifact(&bytes)?);
    }
    layout.finish(&manifests)
}

/// As databases and image manifests write it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A layout that is being written.
pub(crate) struct Layout<'a> {
    root: PathBuf,
    blobs: PathBuf,
    time: &'a str,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(root: &Path, time: &'a str) -> Result<Self> {
        let layout = Self { blobs: root.join("blobs/sha256"), root: root.into(), time };
        fs::create_dir_all(&layout.blobs).context("cannot make the layout")?;
        Ok(layout)
    }

    /// Adds a component, and says how the index names it.
    fn artifact(&self, component: &[u8]) -> Result<Value> {
        let annotations = self.annotations(component)?;
        let layer = self.blob("application/wasm", component)?;
        let config = json!({
            // Must be there; this is what tools take for unknown.
            "created": if self.time.is_empty() { "1970-01-01T00:00:00Z" } else { self.time },
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer["digest"]],
            "component": surface(component)?,
        });
        let config =
            self.blob("application/vnd.wasm.config.v0+json", config.to_string().as_bytes())?;
        let mut manifest = self.manifest(&config, &layer, &json!(annotations))?;
        let [name, version] = ["title", "version"]
            .map(|field| annotations.get(&annotation(field)).cloned().unwrap_or_default());
        // `NAMESPACE:NAME` is how packages of WIT are called, and a path in a registry.
        let name = if name.contains(':') { name } else { format!("spiped:{name}") };
        let reference = format!("{}:{version}", name.replace(':', "/"));
        manifest["annotations"] = json!({ annotation("ref.name"): reference });
        Ok(manifest)
    }

    /// Adds the manifest of something with one layer, and says how the index names it.
    pub(crate) fn manifest(
        &self,
        config: &Value,
        layer: &Value,
        annotations: &Value,
    ) -> Result<Value> {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": annotations,
        });
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    /// Writes what names all the rest.
    pub(crate) fn finish(&self, manifests: &[Value]) -> Result<()> {
        self.write("oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        self.write("index.json", &index)
    }

    /// What the component says of itself.
    fn annotations(&self, component: &[u8]) -> Result<BTreeMap<String, String>> {
        let about = metadata::read(component)?;
        let fields = [
            ("title", about.name),
            ("description", about.description.map(|text| text.to_string())),
            ("version", about.version.map(|version| version.to_string())),
            ("licenses", about.licenses.map(|license| license.to_string())),
            ("revision", about.revision.map(|revision| revision.to_string())),
            ("source", about.source.map(|source| source.to_string())),
            ("created", (!self.time.is_empty()).then(|| self.time.to_owned())),
        ];
        let known = |(field, value): (_, Option<_>)| Some((annotation(field), value?));
        Ok(fields.into_iter().filter_map(known).collect())
    }

    /// Adds a blob, and says how others name it.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let hash = sha256(bytes);
        fs::write(self.blobs.join(&hash), bytes).context("cannot write a blob")?;
        let digest = format!("sha256:{hash}");
        Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
    }

    fn write(&self, name: &str, value: &Value) -> Result<()> {
        fs::write(self.root.join(name), value.to_string())
            .with_context(|| format!("cannot write {name}"))
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub(crate) fn annotation(field: &str) -> String {
    format!("org.opencontainers.image.{field}")
}

/// The package in a folder of WIT, in the form in which packages are published.
fn interface(wit: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let name = &resolve.packages[package].name;
    let name = format!("{}:{}", name.namespace, name.name);
    metadata::of_this_project(&name)?.to_wasm(&wit_component::encode(&resolve, package)?)
}

/// What a component takes and what it gives, or what a package has, by name.
fn surface(component: &[u8]) -> Result<Value> {
    Ok(match wit_component::decode(component)? {
        DecodedWasm::Component(resolve, world) => {
            let world = &resolve.worlds[world];
            let names = |items: &mut dyn Iterator<Item = (&WorldKey, &WorldItem)>| {
                items.map(|(key, _)| resolve.name_world_key(key)).collect::<Vec<_>>()
            };
            json!({
                "imports": names(&mut world.imports.iter()),
                "exports": names(&mut world.exports.iter()),
            })
        }
        DecodedWasm::WitPackage(resolve, package) => {
            let interfaces = resolve.packages[package].interfaces.values();
            let names: Vec<_> = interfaces.filter_map(|id| resolve.id_of(*id)).collect();
            json!({ "imports": [], "exports": names })
        }
    })
}
