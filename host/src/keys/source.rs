//! Where keys are read from.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::set::KEYS_MAX;
use super::{KeyName, KeySet, KeySetError};
use crate::keys::file::{KeyFile, KeyFileError, read_strictly};

/// Where an end's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The one key, which has no name.
    One(KeyFile),
    /// A file with the one key, or a directory: each regular file in it that
    /// is not hidden is a key, called like the file.
    FileOrDirectory(PathBuf),
    /// Files with names given one by one.
    Named(Vec<NamedFile>),
    /// One word of the form `NAME=FILE`. A file called like the whole word is
    /// what upstream would read; `named` is meant if there is none.
    WholeOrNamed {
        /// The word.
        word: PathBuf,
        /// Its meaning as the path of a file or directory.
        whole: Box<Self>,
        /// Its meaning as a name and a path.
        named: Box<Self>,
    },
}

/// A key file, and what its key is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// What the key is called.
    pub name: KeyName,
    /// Where it is.
    pub path: PathBuf,
}

impl NamedFile {
    /// Understands `NAME=FILE`. A name is not empty and has no slash.
    #[must_use]
    pub fn parse(text: &OsStr) -> Option<Self> {
        let bytes = text.as_bytes();
        let equals = bytes.iter().position(|&byte| byte == b'=')?;
        let (name, path) = (&bytes[..equals], &bytes[equals + 1..]);
        if name.is_empty() || name.contains(&b'/') {
            return None;
        }
        let name = KeyName::new(OsStr::from_bytes(name));
        Some(Self { name, path: OsStr::from_bytes(path).into() })
    }
}

impl KeySource {
    /// Reads all keys for the first time, or none. Warns about each that
    /// others can read, and about a single one that is empty. Never inlined: the
    /// caller wipes the stack below it.
    ///
    /// # Errors
    /// What is wrong with one of the keys, or with all of them together.
    #[inline(never)]
    pub fn load(&self) -> Result<KeySet, KeySetError> {
        match self {
            Self::WholeOrNamed { .. } => self.choose().load(),
            Self::One(KeyFile::Path(path)) if path.is_dir() => {
                Err(KeySetError::ClientDirectory(path.clone()))
            }
            Self::One(file) => Ok(KeySet::of_one(file.read()?)),
            Self::FileOrDirectory(path) if !path.is_dir() => {
                Ok(KeySet::of_one(KeyFile::Path(path.clone()).read()?))
            }
            Self::FileOrDirectory(_) | Self::Named(_) => self.load_strictly(),
        }
    }

    /// Reads them again: what is not a file with a key in it is an error.
    ///
    /// # Errors
    /// What is wrong with one of the keys, or with all of them together.
    #[inline(never)]
    pub fn load_strictly(&self) -> Result<KeySet, KeySetError> {
        match self {
            Self::WholeOrNamed { .. } => self.choose().load_strictly(),
            Self::One(KeyFile::Stdin) => Err(KeySetError::StdinAgain),
            Self::FileOrDirectory(path) if path.is_dir() => read_all(list(path)?),
            Self::One(KeyFile::Path(path)) | Self::FileOrDirectory(path) => {
                Ok(KeySet::of_one(read_strictly(path)?))
            }
            Self::Named(files) => read_all(files.clone()),
        }
    }

    /// What a word with two meanings means now.
    fn choose(&self) -> &Self {
        match self {
            Self::WholeOrNamed { word, whole, named } => {
                let absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
                if word.symlink_metadata().is_err_and(absent) { named } else { whole }
            }
            Self::One(_) | Self::FileOrDirectory(_) | Self::Named(_) => self,
        }
    }
}

fn read_all(files: Vec<NamedFile>) -> Result<KeySet, KeySetError> {
    if files.len() > KEYS_MAX {
        return Err(KeySetError::TooMany(files.len()));
    }
    let read = |file: NamedFile| Ok((file.name, read_strictly(&file.path)?));
    KeySet::of_named(files.into_iter().map(read).collect::<Result<_, KeySetError>>()?)
}

/// The key files in a directory.
fn list(directory: &Path) -> Result<Vec<NamedFile>, KeySetError> {
    let error = |cause| KeySetError::Directory(directory.to_owned(), cause);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(error)? {
        let entry = entry.map_err(error)?;
        let (name, path) = (entry.file_name(), entry.path());
        if is_key(&entry).map_err(|cause| KeyFileError::Open(path.clone(), cause))? {
            files.push(NamedFile { name: KeyName::new(&name), path });
        } else {
            log::debug!("{} is not a key file", path.display());
        }
    }
    if files.is_empty() {
        return Err(KeySetError::Empty(directory.to_owned()));
    }
    Ok(files)
}

/// Follows symbolic links: one that leads nowhere was meant to be a key.
fn is_key(entry: &DirEntry) -> io::Result<bool> {
    let hidden = entry.file_name().as_bytes().starts_with(b".");
    Ok(!hidden && fs::metadata(entry.path())?.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn named_file_has_a_name_without_a_slash() {
        let parse = |text: &str| {
            let file = NamedFile::parse(text.as_ref())?;
            Some((file.name.to_string(), file.path.to_str().unwrap().to_owned()))
        };
        let named = |name: &str, path: &str| Some((name.to_owned(), path.to_owned()));
        assert_eq!(parse("alice=/etc/key"), named("alice", "/etc/key"));
        assert_eq!(parse("a=b=c"), named("a", "b=c"));
        for path in ["key", "=key", "/a=b", "./a=b", "-"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn directory_holds_regular_files_and_links_to_them() {
        let lab = directory(&[("bob", "2"), ("alice", "1"), (".hidden", "3")]);
        fs::create_dir(lab.path().join("..data")).unwrap();
        fs::create_dir(lab.path().join("sub")).unwrap();
        fs::write(lab.path().join("..data/carol"), "4").unwrap();
        symlink("..data/carol", lab.path().join("carol")).unwrap();
        assert_eq!(names(&load(&lab).unwrap()), ["alice", "bob", "carol"]);
    }

    #[test]
    fn link_that_leads_nowhere_spoils_the_set_and_is_named() {
        let lab = directory(&[("alice", "1")]);
        symlink("nowhere", lab.path().join("bob")).unwrap();
        let error = load(&lab).unwrap_err().to_string();
        assert!(error.ends_with("/bob") && error.contains("Cannot open file"), "{error}");
    }

    #[test]
    fn directory_without_a_key_is_an_error() {
        let error = load(&directory(&[(".hidden", "1")])).unwrap_err();
        assert!(matches!(error, KeySetError::Empty(_)), "{error}");
    }

    #[test]
    fn equal_content_is_found_in_files() {
        let error = load(&directory(&[("a", "same"), ("b", "same")])).unwrap_err();
        assert!(matches!(error, KeySetError::SameContent(..)), "{error}");
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_keys() {
        let lab = directory(&[]);
        for number in 0..KEYS_MAX {
            fs::write(lab.path().join(number.to_string()), number.to_string()).unwrap();
        }
        assert_eq!(load(&lab).unwrap().keys().len(), KEYS_MAX);
        fs::write(lab.path().join("more"), "more").unwrap();
        let error = load(&lab).unwrap_err().to_string();
        assert!(error.contains("1025 keys; 1024 are possible:"), "{error}");
    }

    #[test]
    fn one_file_has_no_name_and_no_directory_will_do() {
        let lab = directory(&[("key", "1")]);
        let path = lab.path().join("key");
        for source in
            [KeySource::One(KeyFile::Path(path.clone())), KeySource::FileOrDirectory(path.clone())]
        {
            assert_eq!(source.load().unwrap().keys()[0].name(), None);
        }
        let named = NamedFile { name: KeyName::new("a".as_ref()), path };
        assert_eq!(names(&KeySource::Named(vec![named]).load().unwrap()), ["a"]);
        let error = KeySource::One(KeyFile::Path(lab.path().into())).load().unwrap_err();
        assert!(error.to_string().contains("is for spiped -d"), "{error}");
    }

    fn directory(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    fn load(directory: &TempDir) -> Result<KeySet, KeySetError> {
        KeySource::FileOrDirectory(directory.path().into()).load()
    }

    fn names(set: &KeySet) -> Vec<String> {
        set.keys().iter().map(|key| key.name().unwrap().to_string()).collect()
    }
}
