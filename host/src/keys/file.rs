//! Reads a key file and keeps only its SHA-256.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

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
    /// Warns about a key that is empty or that others can read.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] when the file cannot be opened or read.
    pub fn read(&self) -> Result<Psk, KeyFileError> {
        let (file, name) = match self {
            Self::Path(path) => (open(path)?, path.as_path()),
            Self::Stdin => (stdin()?, Path::new("standard input")),
        };
        let (psk, len) = read(file, name)?;
        if len == 0 {
            log::warn!(
                "Key file {} is empty: anyone can guess this key; \
                 make one with: spiped keygen KEYFILE",
                name.display()
            );
        }
        Ok(psk)
    }
}

/// Reads a key that there is no reason to read unless it is a file with
/// something in it: one of several, or one that is read again. A pipe has
/// nothing left then, and a file may be in the middle of being written.
///
/// # Errors
///
/// [`KeyFileError`] when the file is another thing, or empty, or cannot be
/// read.
pub fn read_strictly(path: &Path) -> Result<Psk, KeyFileError> {
    // Opening a FIFO would wait for somebody to write to it.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let file = file.map_err(|cause| KeyFileError::Open(path.to_owned(), cause))?;
    let metadata = file.metadata().map_err(|cause| KeyFileError::Read(path.to_owned(), cause))?;
    if metadata.is_dir() {
        return Err(KeyFileError::Read(path.to_owned(), Errno::EISDIR.into()));
    }
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile(path.to_owned()));
    }
    match read(file, path)? {
        (_, 0) => Err(KeyFileError::Empty(path.to_owned())),
        (psk, _) => Ok(psk),
    }
}

/// The key and its length. Warns if others can read it.
fn read(mut file: File, name: &Path) -> Result<(Psk, u64), KeyFileError> {
    let read_error = |cause| KeyFileError::Read(name.to_owned(), cause);
    warn_if_exposed(&file.metadata().map_err(read_error)?, name);
    hash(&mut file).map_err(read_error)
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

    /// A key that is known already; wiping `bytes` is the caller's part.
    #[must_use]
    pub fn copy_of(bytes: &[u8; Self::LEN]) -> Self {
        Self(Locked::copy_of(bytes))
    }

    /// The key that a file with this content is.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(content);
        Self::of_hashed(&mut hasher)
    }

    /// By reference and in place, so that neither what was hashed nor the key
    /// stays behind on the stack.
    fn of_hashed(content: &mut Sha256) -> Self {
        Self::build(|psk| content.finalize_into_reset(psk.into()))
    }

    /// The bytes, for the session.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        self.0.as_array().unwrap_or_else(|| unreachable!("as long as it was made"))
    }

    /// Whether it is the same key. The time it takes says nothing.
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

/// Why there is no key. Its cause is in the message, for a line of its own
/// after "Error reading shared secret".
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Missing, or not ours to read.
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

fn open(path: &Path) -> Result<File, KeyFileError> {
    File::open(path).map_err(|cause| KeyFileError::Open(path.to_owned(), cause))
}

/// Standard input without the buffer of `std::io::Stdin`, which would keep
/// the key.
fn stdin() -> Result<File, KeyFileError> {
    io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(|cause| KeyFileError::Open("standard input".into(), cause))
}

fn warn_if_exposed(metadata: &Metadata, name: &Path) {
    if metadata.is_file() && metadata.mode() & READABLE_BY_OTHERS != 0 {
        log::warn!("Key file {0} can be read by other users: run chmod 600 {0}", name.display());
    }
}

/// `r` for the group and for everybody.
const READABLE_BY_OTHERS: u32 = 0o044;

fn hash(source: &mut impl Read) -> io::Result<(Psk, u64)> {
    let mut buffer = Zeroizing::new([0; 4096]);
    // The hasher wipes itself when dropped.
    let mut hasher = Sha256::new();
    let mut len = 0;
    loop {
        match source.read(&mut *buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                len += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((Psk::of_hashed(&mut hasher), len))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn whole_content_is_hashed_with_its_newline() {
        // SHA-256 of "spiped test key\n".
        let expected = "3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173";
        let (psk, len) = hash(&mut &b"spiped test key\n"[..]).unwrap();
        assert_eq!(hex(psk.expose()), expected);
        assert_eq!(len, 16);
    }

    #[test]
    fn source_larger_than_the_buffer_is_hashed_whole() {
        let content = vec![7; 10_000];
        let (psk, _) = hash(&mut content.as_slice()).unwrap();
        assert_eq!(psk.expose()[..], Sha256::digest(&content)[..]);
    }

    #[test]
    fn empty_file_is_accepted() {
        let psk = KeyFile::Path("/dev/null".into()).read().unwrap();
        assert!(hex(psk.expose()).starts_with("e3b0c44298fc1c14"));
    }

    #[test]
    fn missing_file_and_directory_are_told_apart() {
        let missing = KeyFile::Path("/nonexistent/key".into()).read().unwrap_err();
        assert_eq!(
            missing.to_string(),
            "Error reading shared secret: Cannot open file: /nonexistent/key"
        );
        let directory = KeyFile::Path("/".into()).read().unwrap_err();
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
