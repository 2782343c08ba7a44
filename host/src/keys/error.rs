//! Why there is no set of keys.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::set::KEYS_MAX;
use super::{Doubt, KeyName};
use crate::keys::file::KeyFileError;

/// Why a set of keys cannot be used. None of it is used then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// One of the files.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The list of files.
    #[error("Error reading shared secret: Cannot read directory: {}", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    /// A client was given a directory.
    #[error(
        "Error reading shared secret: Error reading file: {}: Is a directory \
         (a directory of keys is for spiped -d; name one of its files)",
        .0.display()
    )]
    ClientDirectory(PathBuf),
    /// Standard input, a second time.
    #[error("The key on standard input cannot be read again: use a key file")]
    StdinAgain,
    /// A directory without a single key.
    #[error(
        "Error reading shared secret: No key file in the directory {} \
         (its files are the keys, except those that begin with a dot)",
        .0.display()
    )]
    Empty(PathBuf),
    /// Something in a directory that was not meant to be a key.
    #[error(
        "Error reading shared secret: {} is in a directory of keys and is {what}: \
         move it elsewhere, or give it a name that begins with a dot",
        .path.display()
    )]
    NotAKey {
        /// What was found.
        path: PathBuf,
        /// Why it is no key.
        what: &'static str,
    },
    /// The owner, the mode or the content of one speaks against it.
    #[error("Error reading shared secret: {0}")]
    Unfit(Doubt),
    /// There is neither the file that upstream would read nor the other one.
    #[error(
        "Error reading shared secret: Cannot open file: {} (nor {}, as a key called {}): \
         No such file or directory",
        .word.display(), .path.display(), .name
    )]
    NeitherFile {
        /// The word that has two meanings.
        word: PathBuf,
        /// The name in it.
        name: KeyName,
        /// The file after the name.
        path: PathBuf,
    },
    /// There would be this many.
    #[error("Error reading shared secret: {0} keys; {KEYS_MAX} are possible: remove some")]
    TooMany(usize),
    /// Two keys of one name.
    #[error("Error reading shared secret: Two keys have the name {0}: rename one of them")]
    SameName(KeyName),
    /// Two names for one key, which could not be told apart.
    #[error("Error reading shared secret: Keys {0} and {1} have the same content: remove one")]
    SameContent(KeyName, KeyName),
}
