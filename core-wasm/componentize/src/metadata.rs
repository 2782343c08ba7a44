//! What a component says of itself.

use std::path::Path;

use anyhow::Result;
use wasm_metadata::{
    AddMetadata, AddMetadataField, Description, Licenses, Metadata, Payload, Revision, Source,
    Version,
};

/// What the components are that are published.
const DESCRIPTIONS: [(&str, &str); 2] = [
    ("spiped", "The programs spiped and spipe for WASI 0.2"),
    ("spiped-portable", "The spiped protocol as a function of bytes: imports nothing"),
];

/// Tools with their versions, in the words of a `producers` section.
pub(crate) type Tools = Vec<(String, String)>;

/// Adds what is the same in every build: the name, which is its file's, version and
/// licence, and the tools that made what is inside.
pub(crate) fn describe(component: &[u8], file: &str, made_by: Tools) -> Result<Vec<u8>> {
    let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let description = DESCRIPTIONS.iter().find(|(described, _)| *described == name);
    let mut add = of_this_project(&name)?;
    if let Some((_, description)) = description {
        add.description = AddMetadataField::Set(Description::new(*description));
    }
    add.processed_by = made_by;
    add.to_wasm(component)
}

/// Adds where exactly it comes from. What is empty is not known and left out.
pub(crate) fn stamp(component: &[u8], revision: &str, source: &str) -> Result<Vec<u8>> {
    let mut add = AddMetadata::default();
    if !revision.is_empty() {
        add.revision = AddMetadataField::Set(Revision::new(revision.to_owned()));
    }
    if !source.is_empty() {
        add.source = AddMetadataField::Set(Source::new(source)?);
    }
    add.to_wasm(component)
}

/// Name, version and licence.
pub(crate) fn of_this_project(name: &str) -> Result<AddMetadata> {
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set(name.to_owned());
    add.version = AddMetadataField::Set(Version::new(env!("CARGO_PKG_VERSION")));
    add.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    Ok(add)
}

/// What it says.
pub(crate) fn read(component: &[u8]) -> Result<Metadata> {
    Ok(match Payload::from_binary(component)? {
        Payload::Component { metadata, .. } | Payload::Module(metadata) => metadata,
    })
}
