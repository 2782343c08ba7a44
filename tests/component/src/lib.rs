//! One protocol, three builds: the native crate, the `native` world inside
//! the production host, and the `portable` world in plain wasmtime.
//!
//! All of them are held to the same bytes: in random conversations, and by
//! the [transcripts](transcript) in `tests/transcripts`, most of which are
//! [made here](cases) and some [recorded](record) with Debian's spiped.

#![allow(clippy::missing_panics_doc, reason = "a panic here is a failed test")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod builds;
pub mod cases;
pub mod folder;
mod peer;
pub mod record;
mod recording;
mod resource;
pub mod transcript;

use std::path::{Path, PathBuf};

pub use builds::{Builds, Trio};
pub use resource::{
    Acceptor, Answer, Build, Call, ESTABLISHED, Ingredients, Made, Resource, Session,
    WANTS_COMPUTE, words,
};

/// A file that `make` built.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    tests().with_file_name("target/components").join(name)
}

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
