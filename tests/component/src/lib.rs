//! One protocol, three builds: the native crate, the `native` world inside
//! the production host, and the `portable` world in plain wasmtime.

#![allow(clippy::missing_panics_doc, reason = "a panic here is a failed test")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod crate_session;
mod hosted;
mod portable;
mod trio;

use spiped_core::{Config, ENTROPY_LEN, Error, Output, Status};

pub use trio::{Builds, Trio};

/// What one call answered, in any build.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Bytes for both sides.
    pub output: Output,
    /// Where the session stands after it.
    pub status: Result<Status, Error>,
}

/// A call on a session.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// `start`
    Start,
    /// `compute`
    Compute,
    /// `handle-crypt`
    Crypt(&'a [u8]),
    /// `handle-plain`
    Plain(&'a [u8]),
    /// `crypt-eof`
    CryptEof,
    /// `plain-eof`
    PlainEof,
}

/// A session in some build.
pub(crate) trait Build {
    fn call(&mut self, call: Call<'_>) -> Answer;
}

/// What a session is made of; the key is SHA-256 of `key_file`.
#[derive(Clone, Copy, Debug)]
pub struct Ingredients<'a> {
    /// Side and forward secrecy.
    pub config: Config,
    /// The key file's content.
    pub key_file: &'a [u8],
    /// Nonce and exponent.
    pub entropy: [u8; ENTROPY_LEN],
}

/// The path of a file that `make` built.
#[must_use]
pub fn built(name: &str) -> std::path::PathBuf {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    tests.with_file_name("target/components").join(name)
}
