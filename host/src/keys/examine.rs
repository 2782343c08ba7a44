//! Checks every key by itself, whatever is wrong with the others, to report all faults
//! together. [`KeySource::load`] stops at the first fault.

use std::fs;
use std::mem;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::directory::entries;
use super::doubt::{Flaw, KeyRules};
use super::file::{KeyFile, KeyFileError, Psk, Reading, read_strictly};
use super::set::{KEYS_MAX, clashes};
use super::{Doubt, KeyName, KeySetError, KeySource, NamedFile};

/// The findings about the keys of an end.
#[derive(Debug, Default)]
pub(crate) struct Examination {
    /// One entry per file.
    pub(crate) files: Vec<ExaminedFile>,
    /// Why they cannot be used together, or not even be found.
    pub(crate) faults: Vec<KeySetError>,
}

/// A key file that was checked.
#[derive(Debug)]
pub(crate) struct ExaminedFile {
    /// The name of its key, if there are several.
    pub(crate) name: Option<KeyName>,
    /// Where it is.
    pub(crate) file: KeyFile,
    /// The key. `None` if it cannot be read, or can be read only once and was left
    /// alone.
    pub(crate) psk: Option<Psk>,
    /// The doubts that do not keep it from being used.
    pub(crate) doubts: Vec<Doubt>,
    /// Why it cannot be used.
    pub(crate) faults: Vec<KeySetError>,
}

impl KeySource {
    /// Checks all keys as [`load`](Self::load) would. A file that can be read only once
    /// is not read, unless it is standard input.
    #[inline(never)]
    pub(crate) fn examine(&self, rules: KeyRules) -> Examination {
        match self {
            Self::WholeOrNamed { .. } => {
                let Examination { mut files, faults } = self.meant().examine(rules);
                for file in &mut files {
                    file.faults = mem::take(&mut file.faults)
                        .into_iter()
                        .map(|fault| self.name_both(fault))
                        .collect();
                }
                Examination { files, faults }
            }
            Self::One(KeyFile::Path(path)) if path.is_dir() => {
                Examination::of_fault(KeySetError::ClientDirectory(path.clone()))
            }
            Self::One(file) => examine_one(file.clone(), rules),
            Self::FileOrDirectory(path) if !path.is_dir() => {
                examine_one(KeyFile::Path(path.clone()), rules)
            }
            Self::FileOrDirectory(path) => match entries(path, rules) {
                Err(fault) => Examination::of_fault(fault),
                Ok(entries) => examine_all(entries, rules, |flaw| flaw != Flaw::Weak),
            },
            Self::Named(files) => {
                examine_all(files.iter().cloned().map(Ok).collect(), rules, |_| false)
            }
        }
    }
}

impl Examination {
    fn of_fault(fault: KeySetError) -> Self {
        Self { files: Vec::new(), faults: vec![fault] }
    }
}

fn examine_one(file: KeyFile, rules: KeyRules) -> Examination {
    let left_alone = matches!(&file, KeyFile::Path(path) if can_be_read_once(path));
    let examined = if left_alone {
        ExaminedFile { name: None, file, psk: None, doubts: Vec::new(), faults: Vec::new() }
    } else {
        let reading = file.read(rules);
        ExaminedFile::new(None, file, reading, |_| rules.strict)
    };
    Examination { files: vec![examined], faults: Vec::new() }
}

fn examine_all(
    entries: Vec<Result<NamedFile, KeySetError>>,
    rules: KeyRules,
    is_fatal: fn(Flaw) -> bool,
) -> Examination {
    if entries.len() > KEYS_MAX {
        return Examination::of_fault(KeySetError::TooMany(entries.len()));
    }
    let mut examination = Examination::default();
    let mut named = Vec::new();
    for entry in entries {
        match entry {
            Err(fault) => examination.faults.push(fault),
            Ok(NamedFile { name, path }) => {
                let reading = read_strictly(&path, rules);
                let file = KeyFile::Path(path);
                let is_fatal = |flaw| rules.strict || is_fatal(flaw);
                let examined = ExaminedFile::new(Some(name.clone()), file, reading, is_fatal);
                named.extend(examined.psk.clone().map(|psk| (name, psk)));
                examination.files.push(examined);
            }
        }
    }
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    examination.faults.extend(clashes(&named));
    examination
}

impl ExaminedFile {
    fn new(
        name: Option<KeyName>,
        file: KeyFile,
        reading: Result<Reading, KeyFileError>,
        is_fatal: impl Fn(Flaw) -> bool,
    ) -> Self {
        match reading {
            Err(error) => {
                Self { name, file, psk: None, doubts: Vec::new(), faults: vec![error.into()] }
            }
            Ok(Reading { psk, doubts }) => {
                let (fatal, doubts): (Vec<_>, Vec<_>) =
                    doubts.into_iter().partition(|doubt| is_fatal(doubt.flaw));
                let faults = fatal.into_iter().map(KeySetError::Unfit).collect();
                Self { name, file, psk: Some(psk), doubts, faults }
            }
        }
    }
}

/// Whether another process writes to it: that process may never come, and the daemon
/// would not get the bytes afterwards.
fn can_be_read_once(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_key_is_looked_at_whatever_is_wrong_with_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        write(&at("a"), STRONG, 0o600);
        write(&at("b"), "weak", 0o600);
        write(&at("c"), STRONG, 0o644);
        write(&at("d"), "", 0o600);
        write(&at("e.pub"), STRONG, 0o600);
        let source = KeySource::FileOrDirectory(directory.path().into());
        let Examination { files, faults } = source.examine(KeyRules::default());
        let counts =
            |file: &ExaminedFile| (file.psk.is_some(), file.doubts.len(), file.faults.len());
        let counts: Vec<_> = files.iter().map(counts).collect();
        assert_eq!(counts, [(true, 0, 0), (true, 1, 0), (true, 0, 1), (false, 0, 1)]);
        // The name of `e.pub`, and that `c` is `a` once more.
        assert!(matches!(faults[..], [KeySetError::NotAKey { .. }, KeySetError::SameContent(..)]));
    }

    #[test]
    fn it_finds_a_fault_if_and_only_if_loading_does() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        write(&at("good"), STRONG, 0o600);
        write(&at("weak"), "weak", 0o600);
        write(&at("open"), STRONG, 0o644);
        fs::create_dir(at("empty")).unwrap();
        let path = |name: &str| KeyFile::Path(at(name));
        let named = |name: &str, file: &str| NamedFile {
            name: KeyName::new(name.as_ref()),
            path: at(file),
        };
        for source in [
            KeySource::One(path("good")),
            KeySource::One(path("weak")),
            KeySource::One(path("none")),
            KeySource::One(path("empty")),
            KeySource::FileOrDirectory(at("open")),
            KeySource::FileOrDirectory(at("empty")),
            KeySource::Named(vec![named("a", "good"), named("b", "weak")]),
            KeySource::Named(vec![named("a", "good"), named("a", "weak")]),
            KeySource::Named(vec![named("a", "good"), named("b", "open")]),
            KeySource::WholeOrNamed {
                word: PathBuf::from("a=none"),
                whole: Box::new(KeySource::One(path("good"))),
                named: Box::new(KeySource::Named(vec![named("a", "none")])),
            },
        ] {
            for strict in [false, true] {
                let rules = KeyRules { strict, user: None };
                let Examination { files, faults } = source.examine(rules);
                let fault = !faults.is_empty() || files.iter().any(|file| !file.faults.is_empty());
                assert_eq!(fault, source.load(rules).is_err(), "{source:?}, strict: {strict}");
            }
        }
    }

    fn write(path: &Path, content: &str, mode: u32) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    const STRONG: &str = "3f9a1c07d28be4655d0e7b91f4c8a23e\n";
}
