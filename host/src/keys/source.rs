//! Where keys are read from.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::set::KEYS_MAX;
use super::{Doubt, KeyName, KeyRules, KeySet, KeySetError};
use crate::keys::directory;
use crate::keys::doubt::{Flaw, refuse};
use crate::keys::file::{KeyFile, KeyFileError, Reading, read_strictly};

/// Where an end's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The one key, which has no name.
    One(KeyFile),
    /// A file with the one key, or a directory: each file in it that is not hidden is a
    /// key with the file's name.
    FileOrDirectory(PathBuf),
    /// Files with names given one by one.
    Named(Vec<NamedFile>),
    /// A word of the form `NAME=FILE`. If there is a file with this whole name, it is
    /// meant, as with upstream; otherwise `named` is.
    WholeOrNamed {
        /// The word.
        word: PathBuf,
        /// Its meaning as the path of a file or directory.
        whole: Box<Self>,
        /// Its meaning as a name and a path.
        named: Box<Self>,
    },
}

/// A key file, and the name of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// What the key is called.
    pub name: KeyName,
    /// Where it is.
    pub path: PathBuf,
}

impl NamedFile {
    /// Parses `NAME=FILE`. A name is not empty and has no slash.
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

/// Keys that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// All of them.
    pub keys: KeySet,
    /// Doubts about some of them that do not keep them from being used.
    pub doubts: Vec<Doubt>,
}

impl KeySource {
    /// Whether the keys can be read again: standard input has ended after the first
    /// time.
    #[must_use]
    pub fn can_be_read_again(&self) -> bool {
        *self != Self::One(KeyFile::Stdin)
    }

    /// Reads all keys for the first time, or none. This takes as long as the files do:
    /// with a pipe, until its writers have closed it. Never inlined, because the caller
    /// wipes the stack below it.
    ///
    /// # Errors
    /// What is wrong with one of the keys, or with all of them together.
    #[inline(never)]
    pub fn load(&self, rules: KeyRules) -> Result<Loaded, KeySetError> {
        match self {
            Self::WholeOrNamed { .. } => self.chosen(|chosen| chosen.load(rules)),
            Self::One(KeyFile::Path(path)) if path.is_dir() => {
                Err(KeySetError::ClientDirectory(path.clone()))
            }
            Self::One(file) => one(file.read(rules)?, rules),
            Self::FileOrDirectory(path) if !path.is_dir() => {
                one(KeyFile::Path(path.clone()).read(rules)?, rules)
            }
            Self::FileOrDirectory(_) | Self::Named(_) => self.load_again(rules),
        }
    }

    /// Reads the keys again: anything other than a file with a key is an error. Only
    /// the files are accessed and nothing is changed, so any process can do this.
    ///
    /// # Errors
    /// What is wrong with one of the keys, or with all of them together.
    #[inline(never)]
    pub fn load_again(&self, rules: KeyRules) -> Result<Loaded, KeySetError> {
        match self {
            Self::WholeOrNamed { .. } => self.chosen(|chosen| chosen.load_again(rules)),
            Self::One(KeyFile::Stdin) => Err(KeySetError::StdinAgain),
            Self::FileOrDirectory(path) if path.is_dir() => {
                // The entries of a directory were not named by anyone.
                read_all(directory::list(path, rules)?, rules, |flaw| flaw != Flaw::Weak)
            }
            Self::One(KeyFile::Path(path)) | Self::FileOrDirectory(path) => {
                one(read_strictly(path, rules)?, rules)
            }
            Self::Named(files) => read_all(files.clone(), rules, |_| false),
        }
    }

    /// A text that is the same for the same source in another process and in a later
    /// version, and different for every other source.
    #[must_use]
    #[allow(clippy::unnecessary_debug_formatting, reason = "quotes tell where a path ends")]
    pub(crate) fn text(&self) -> String {
        match self {
            Self::One(KeyFile::Stdin) => "-".to_owned(),
            Self::One(KeyFile::Path(path)) => format!("one {path:?}"),
            Self::FileOrDirectory(path) => format!("any {path:?}"),
            Self::Named(files) => files.iter().fold("named".to_owned(), |text, file| {
                format!("{text} {:?}={:?}", file.name.as_os_str(), file.path)
            }),
            Self::WholeOrNamed { word, .. } => format!("word {word:?}"),
        }
    }

    /// Reads the key file or files that an ambiguous word means now.
    fn chosen(
        &self,
        load: impl FnOnce(&Self) -> Result<Loaded, KeySetError>,
    ) -> Result<Loaded, KeySetError> {
        load(self.meant()).map_err(|error| self.name_both(error))
    }

    /// What an ambiguous word means now; for all others, their only meaning.
    pub(super) fn meant(&self) -> &Self {
        let Self::WholeOrNamed { word, whole, named } = self else {
            return self;
        };
        let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        if word.symlink_metadata().is_err_and(is_absent) { named } else { whole }
    }

    /// An error that names both files which a word can mean, if neither exists.
    pub(super) fn name_both(&self, error: KeySetError) -> KeySetError {
        let Self::WholeOrNamed { word, named, .. } = self else {
            return error;
        };
        match (error, &**named) {
            (KeySetError::File(KeyFileError::Missing(path)), Self::Named(files))
                if files.len() == 1 && files[0].path == path =>
            {
                let name = files[0].name.clone();
                KeySetError::NeitherFile { word: word.clone(), name, path }
            }
            (error, _) => error,
        }
    }
}

/// The place they are read from, for messages.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(file) => file.fmt(f),
            Self::FileOrDirectory(path) | Self::WholeOrNamed { word: path, .. } => {
                path.display().fmt(f)
            }
            Self::Named(files) => {
                for (index, file) in files.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", file.path.display())?;
                }
                Ok(())
            }
        }
    }
}

fn one(reading: Reading, rules: KeyRules) -> Result<Loaded, KeySetError> {
    let Reading { psk, doubts } = reading;
    refuse(&doubts, |_| rules.strict)?;
    Ok(Loaded { keys: KeySet::of_one(psk), doubts })
}

fn read_all(
    files: Vec<NamedFile>,
    rules: KeyRules,
    is_fatal: fn(Flaw) -> bool,
) -> Result<Loaded, KeySetError> {
    if files.len() > KEYS_MAX {
        return Err(KeySetError::TooMany(files.len()));
    }
    let (mut named, mut doubts) = (Vec::new(), Vec::new());
    for file in files {
        let mut reading = read_strictly(&file.path, rules)?;
        refuse(&reading.doubts, |flaw| rules.strict || is_fatal(flaw))?;
        named.push((file.name, reading.psk));
        doubts.append(&mut reading.doubts);
    }
    Ok(Loaded { keys: KeySet::of_named(named)?, doubts })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs;

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
    fn one_file_has_no_name_and_no_directory_will_do() {
        let lab = directory(&[("key", "1")]);
        let path = lab.path().join("key");
        for source in
            [KeySource::One(KeyFile::Path(path.clone())), KeySource::FileOrDirectory(path.clone())]
        {
            assert_eq!(load(&source).unwrap().keys()[0].name(), None);
        }
        let named = NamedFile { name: KeyName::new("a".as_ref()), path };
        assert_eq!(names(&load(&KeySource::Named(vec![named])).unwrap()), ["a"]);
        let error = load(&KeySource::One(KeyFile::Path(lab.path().into()))).unwrap_err();
        assert!(error.to_string().contains("is for spiped -d"), "{error}");
    }

    #[test]
    fn text_tells_all_sources_apart() {
        let named = |files: &[(&str, &str)]| {
            let named = |&(name, path): &(&str, &str)| NamedFile {
                name: KeyName::new(name.as_ref()),
                path: path.into(),
            };
            KeySource::Named(files.iter().map(named).collect())
        };
        let any = |path: &str| KeySource::FileOrDirectory(path.into());
        let sources = [
            KeySource::One(KeyFile::Stdin),
            KeySource::One(KeyFile::Path("a=b".into())),
            any("a=b"),
            KeySource::WholeOrNamed {
                word: "a=b".into(),
                whole: Box::new(any("a=b")),
                named: Box::new(named(&[("a", "b")])),
            },
            named(&[("a", "b")]),
            named(&[("a", "b"), ("c", "d")]),
            named(&[("a", "b\" \"c\"=\"d")]),
            any(OsStr::from_bytes(b"\xff").to_str().unwrap_or("\\xFF")),
            KeySource::FileOrDirectory(OsStr::from_bytes(b"\xff").into()),
        ];
        for (index, source) in sources.iter().enumerate() {
            assert!(sources[..index].iter().all(|other| other.text() != source.text()));
        }
        assert_eq!(named(&[("a", "b")]).text(), r#"named "a"="b""#);
    }

    fn directory(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    fn load(source: &KeySource) -> Result<KeySet, KeySetError> {
        source.load(KeyRules::default()).map(|loaded| loaded.keys)
    }

    fn names(set: &KeySet) -> Vec<String> {
        set.keys().iter().map(|key| key.name().unwrap().to_string()).collect()
    }
}
