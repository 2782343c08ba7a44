//! The files in `tests/transcripts` and `tests/states`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cases::Case;
use crate::tests;

/// All transcripts, in order.
#[must_use]
pub fn transcripts() -> Vec<PathBuf> {
    files(TRANSCRIPTS)
}

/// All transcripts of sessions that go on from states of the versions so far.
#[must_use]
pub fn states() -> Vec<PathBuf> {
    files("states")
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(tests().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension() == Some(EXTENSION.as_ref())).collect();
    files.sort();
    files
}

/// A file's name without its extension: the case's name.
#[must_use]
pub fn name(file: &Path) -> &str {
    file.file_stem().and_then(OsStr::to_str).unwrap()
}

/// Whether a case was recorded, and not made.
#[must_use]
pub fn is_recorded(file: &Path) -> bool {
    name(file).starts_with("recorded-")
}

/// Writes a case's file.
///
/// # Errors
/// What the file system says.
pub fn save(case: &Case) -> io::Result<()> {
    let file = tests().join(TRANSCRIPTS).join(&case.name).with_extension(EXTENSION);
    fs::write(file, case.to_string())
}

const TRANSCRIPTS: &str = "transcripts";
const EXTENSION: &str = "txt";
