//! Reads a key file and keeps only its SHA-256.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keys::doubt::{Doubt, Flaw, KeyRules, Subject};
use crate::keys::strength::Sample;
use crate::process::secrets::Locked;

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFile {
    /// A file of any length and content.
    Path(PathBuf),
    /// Standard input, up to its end.
    Stdin,
}

impl KeyFile {
    /// Reads to the end and hashes; every byte counts, a last newline too.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] when the file cannot be opened or read.
    pub fn read(&self, rules: KeyRules) -> Result<Reading, KeyFileError> {
        match self {
            Self::Path(path) => read(open(path)?, Subject::File(path.clone()), rules),
            Self::Stdin => read(stdin()?, Subject::Stdin, rules),
        }
    }
}

impl fmt::Display for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Stdin => f.write_str(STDIN),
        }
    }
}

/// The result of reading a key file.
#[derive(Debug)]
pub struct Reading {
    /// The key.
    pub psk: Psk,
    /// The doubts about it.
    pub doubts: Vec<Doubt>,
}

impl Reading {
    /// Whether the file was empty.
    pub(super) fn is_empty(&self) -> bool {
        self.doubts.iter().any(|doubt| doubt.flaw == Flaw::Empty)
    }
}

/// Reads a key only if it is a regular file and not empty: one of several keys, or one
/// that is read again. A pipe has nothing left at the second time, and an empty file
/// may be in the middle of being written.
///
/// # Errors
///
/// [`KeyFileError`] when the file is another thing, or empty, or cannot be
/// read.
pub(super) fn read_strictly(path: &Path, rules: KeyRules) -> Result<Reading, KeyFileError> {
    // Opening a FIFO would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    let file = file.map_err(|cause| KeyFileError::opening(path, cause))?;
    let metadata = file.metadata().map_err(|cause| KeyFileError::Read(path.to_owned(), cause))?;
    if metadata.is_dir() {
        return Err(KeyFileError::Read(path.to_owned(), Errno::ISDIR.into()));
    }
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile(path.to_owned()));
    }
    let reading = read(file, Subject::File(path.to_owned()), rules)?;
    if reading.is_empty() {
        return Err(KeyFileError::Empty(path.to_owned()));
    }
    Ok(reading)
}

fn read(mut file: File, subject: Subject, rules: KeyRules) -> Result<Reading, KeyFileError> {
    let read_error = |cause| {
        let name = match &subject {
            Subject::File(path) | Subject::Link(path) | Subject::Directory(path) => path,
            Subject::Stdin => Path::new(STDIN),
        };
        KeyFileError::Read(name.to_owned(), cause)
    };
    let metadata = file.metadata().map_err(read_error)?;
    let (psk, flaw) = hash(&mut file).map_err(read_error)?;
    // The owner of a pipe or a device says nothing about the key.
    let mut doubts =
        if metadata.is_file() { rules.doubts(&metadata, &subject) } else { Vec::new() };
    doubts.extend(flaw.map(|flaw| Doubt { of: subject, flaw }));
    Ok(Reading { psk, doubts })
}

/// The pre-shared key: SHA-256 of the whole key file. In locked memory, wiped
/// on drop, never shown.
#[derive(Clone)]
pub struct Psk(Locked);

impl Psk {
    /// Length of a key, in bytes.
    pub const LEN: usize = 32;

    /// A key that `fill` writes, in place of zeros.
    #[must_use]
    pub fn build(fill: impl FnOnce(&mut [u8; Self::LEN])) -> Self {
        Self(Locked::build(Self::LEN, |place| {
            fill(place.as_mut_array().unwrap_or_else(|| unreachable!("as long as asked for")));
        }))
    }

    /// A copy of this key; wiping `bytes` is the caller's task.
    #[must_use]
    pub fn copy_of(bytes: &[u8; Self::LEN]) -> Self {
        Self(Locked::copy_of(bytes))
    }

    /// The key of a file with this content.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(content);
        Self::of_hashed(&mut hasher)
    }

    /// By reference and in place, so that neither the hashed bytes nor the key stay on
    /// the stack.
    fn of_hashed(content: &mut Sha256) -> Self {
        Self::build(|psk| content.finalize_into_reset(psk.into()))
    }

    /// The bytes, for the session.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        self.0.as_array().unwrap_or_else(|| unreachable!("as long as it was made"))
    }

    /// Whether both keys are equal, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}

/// Why a key could not be read. The cause is part of the message, which stands on a
/// line of its own after "Error reading shared secret".
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is missing.
    #[error(
        "Error reading shared secret: Cannot open file: {}: No such file or directory \
         (copy it from the other host, or make it with spiped keygen or spiped pair)",
        .0.display()
    )]
    Missing(PathBuf),
    /// The file may not be read, for example.
    #[error("Error reading shared secret: Cannot open file: {}", .0.display())]
    Open(PathBuf, #[source] io::Error),
    /// A directory, for example.
    #[error("Error reading shared secret: Error reading file: {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A pipe, for example.
    #[error(
        "Error reading shared secret: Not a regular file: {} \
         (a pipe can be read at start only, and only as the one key)",
        .0.display()
    )]
    NotAFile(PathBuf),
    /// A key that anybody can guess.
    #[error(
        "Error reading shared secret: Key file {} is empty: \
         remove it and make one with spiped keygen",
        .0.display()
    )]
    Empty(PathBuf),
}

impl KeyFileError {
    /// Why the file cannot be opened.
    pub(super) fn opening(path: &Path, cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::NotFound {
            Self::Missing(path.to_owned())
        } else {
            Self::Open(path.to_owned(), cause)
        }
    }
}

fn open(path: &Path) -> Result<File, KeyFileError> {
    File::open(path).map_err(|cause| KeyFileError::opening(path, cause))
}

/// Standard input without the buffer of `std::io::Stdin`, which would keep
/// the key.
fn stdin() -> Result<File, KeyFileError> {
    io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(|cause| KeyFileError::Open(STDIN.into(), cause))
}

const STDIN: &str = "standard input";

/// The key, and whether its content is easy to guess.
fn hash(source: &mut impl Read) -> io::Result<(Psk, Option<Flaw>)> {
    let mut buffer = Zeroizing::new([0; 4096]);
    // The hasher wipes itself when dropped.
    let mut hasher = Sha256::new();
    let mut sample = Sample::default();
    let mut is_empty = true;
    loop {
        match source.read(&mut *buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                sample.add(&buffer[..count]);
                is_empty = false;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let flaw = if is_empty { Some(Flaw::Empty) } else { sample.is_weak().then_some(Flaw::Weak) };
    Ok((Psk::of_hashed(&mut hasher), flaw))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn whole_content_is_hashed_with_its_newline() {
        // SHA-256 of "spiped test key\n".
        let expected = "3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173";
        let (psk, flaw) = hash(&mut &b"spiped test key\n"[..]).unwrap();
        assert_eq!(hex(psk.expose()), expected);
        assert_eq!(flaw, Some(Flaw::Weak));
    }

    #[test]
    fn source_larger_than_the_buffer_is_hashed_whole() {
        let content: Vec<u8> = (0..10_000_u32).map(|at| (at * at % 251) as u8).collect();
        let (psk, flaw) = hash(&mut content.as_slice()).unwrap();
        assert_eq!(psk.expose()[..], Sha256::digest(&content)[..]);
        assert_eq!(flaw, None);
    }

    #[test]
    fn empty_file_is_accepted() {
        let reading = KeyFile::Path("/dev/null".into()).read(KeyRules::default()).unwrap();
        assert!(hex(reading.psk.expose()).starts_with("e3b0c44298fc1c14"));
        assert!(reading.is_empty());
        assert_eq!(reading.doubts.len(), 1);
    }

    #[test]
    fn missing_file_and_directory_are_told_apart() {
        let missing =
            KeyFile::Path("/nonexistent/key".into()).read(KeyRules::default()).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "Error reading shared secret: Cannot open file: /nonexistent/key: No such file or \
             directory (copy it from the other host, or make it with spiped keygen or spiped pair)"
        );
        let directory = KeyFile::Path("/".into()).read(KeyRules::default()).unwrap_err();
        assert_eq!(directory.to_string(), "Error reading shared secret: Error reading file: /");
    }

    #[test]
    fn debug_shows_nothing() {
        let (psk, _) = hash(&mut &b"secret"[..]).unwrap();
        assert_eq!(format!("{psk:?}"), "Psk(..)");
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }
}
