//! Reads the files with settings as text: one file, and those in `pipes.d` next to it.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use thiserror::Error;

/// A file and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// Where it was found.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) text: String,
}

/// Why the settings could not be read.
#[derive(Debug, Error)]
pub(crate) enum TextFileError {
    /// Not to be opened or read.
    #[error("Cannot read {path}: {cause}", path = .0.display(), cause = .1)]
    Read(PathBuf, io::Error),
    /// A directory, a pipe, or a device.
    #[error("{path} is not a regular file", path = .0.display())]
    NotAFile(PathBuf),
    /// Larger than settings are.
    #[error("{path} has more than {LEN_MAX} bytes: split it into files in pipes.d", path = .0.display())]
    TooLong(PathBuf),
    /// Not UTF-8.
    #[error("{path} is not text in UTF-8 (byte {at})", path = .0.display(), at = .1)]
    NotText(PathBuf, usize),
    /// More files than anybody can mean.
    #[error("{path} has more than {FILES_MAX} files", path = .0.display())]
    TooMany(PathBuf),
}

/// Reads the file at `path`, then `pipes.d/*.toml` next to it in the order of their
/// names. Never waits, whatever kind of file it finds.
///
/// # Errors
/// The first of them that cannot be read.
pub(crate) fn read_settings(path: &Path) -> Result<Vec<TextFile>, TextFileError> {
    let mut files = vec![read(path)?];
    for path in list(&folder(path))? {
        files.push(read(&path)?);
    }
    Ok(files)
}

/// The reasons not to trust the files that [`read_settings`] reads, or their directory: anyone
/// who can change one of them decides what the daemon does.
pub(crate) fn doubts(path: &Path) -> Vec<Doubt> {
    let folder = folder(path);
    let files = list(&folder).unwrap_or_default();
    [path.to_owned(), folder].into_iter().chain(files).flat_map(doubts_about).collect()
}

fn doubts_about(path: PathBuf) -> impl Iterator<Item = Doubt> {
    // A file that cannot be examined cannot be read either, which is an error.
    let found = path.metadata().ok();
    let trusted = [ROOT, geteuid().as_raw()];
    let owner = found.as_ref().map(Metadata::uid).filter(|owner| !trusted.contains(owner));
    let is_writable = found.is_some_and(|found| found.mode() & WRITABLE_BY_OTHERS != 0);
    let writable = is_writable.then(|| Doubt::Writable(path.clone()));
    owner.map(|owner| Doubt::Owner(path, owner)).into_iter().chain(writable)
}

/// A reason not to trust settings.
#[derive(Debug, Error)]
pub(crate) enum Doubt {
    /// The file belongs to another user.
    #[error(
        "Settings {path} belong to user {owner}, who can change them: run chown root {path}",
        path = .0.display(), owner = .1
    )]
    Owner(PathBuf, u32),
    /// Its mode allows others to write.
    #[error(
        "Settings {path} can be changed by other users: run chmod go-w {path}",
        path = .0.display()
    )]
    Writable(PathBuf),
}

/// The directory of the other files.
fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(FOLDER)
}

/// The settings files in the directory: not the files that editors and package managers
/// leave there.
fn list(folder: &Path) -> Result<Vec<PathBuf>, TextFileError> {
    let failed = |error| TextFileError::Read(folder.to_owned(), error);
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_bytes().starts_with(b"."));
        if hidden || path.extension() != Some(OsStr::new("toml")) {
            continue;
        }
        if paths.len() == FILES_MAX {
            return Err(TextFileError::TooMany(folder.to_owned()));
        }
        paths.push(path);
    }
    paths.sort();
    Ok(paths)
}

/// Reads one file.
///
/// # Errors
/// If it cannot be read, is too large, or is not text.
pub(crate) fn read(path: &Path) -> Result<TextFile, TextFileError> {
    let failed = |error| TextFileError::Read(path.to_owned(), error);
    // Opening a FIFO would wait for another process.
    let open = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file: File = open.map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(TextFileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LEN_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > LEN_MAX) {
        return Err(TextFileError::TooLong(path.to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        TextFileError::NotText(path.to_owned(), error.utf8_error().valid_up_to())
    })?;
    Ok(TextFile { path: path.to_owned(), text })
}

/// Beside the file: more of the same kind.
const FOLDER: &str = "pipes.d";
/// Some ten thousand pipes.
const LEN_MAX: u64 = 1 << 20;
const FILES_MAX: usize = 1000;
const ROOT: u32 = 0;
/// `w` for the group and for everybody.
const WRITABLE_BY_OTHERS: u32 = 0o022;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn folder_beside_the_file_is_read_in_order() {
        let lab = tempfile::tempdir().unwrap();
        let main = lab.path().join("spiped.toml");
        fs::write(&main, "main").unwrap();
        assert_eq!(read_settings(&main).unwrap().len(), 1);
        let folder = lab.path().join("pipes.d");
        fs::create_dir(&folder).unwrap();
        for name in ["b.toml", "a.toml", ".hidden.toml", "a.toml~", "b.toml.dpkg-old"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let texts = read_settings(&main).unwrap().into_iter().map(|file| file.text);
        assert_eq!(texts.collect::<Vec<_>>(), ["main", "a.toml", "b.toml"]);
    }

    #[test]
    fn what_others_can_change_is_doubted() {
        let lab = tempfile::tempdir().unwrap();
        let main = lab.path().join("spiped.toml");
        let folder = lab.path().join("pipes.d");
        let added = folder.join("a.toml");
        fs::create_dir(&folder).unwrap();
        fs::write(&main, "").unwrap();
        fs::write(&added, "").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
        for (path, good) in [(&main, 0o644), (&folder, 0o755), (&added, 0o640)] {
            set(path, good).unwrap();
        }
        assert!(doubts(&main).is_empty());
        for (path, bad, good) in
            [(&main, 0o664, 0o644), (&folder, 0o1777, 0o755), (&added, 0o602, 0o600)]
        {
            set(path, bad).unwrap();
            let words = doubts(&main).iter().map(ToString::to_string).collect::<Vec<_>>();
            let path_shown = path.display();
            let expected = format!(
                "Settings {path_shown} can be changed by other users: run chmod go-w {path_shown}"
            );
            assert_eq!(words, [expected]);
            set(path, good).unwrap();
        }
    }

    #[test]
    fn nothing_makes_it_wait_or_grow() {
        let lab = tempfile::tempdir().unwrap();
        let path = lab.path().join("spiped.toml");
        assert!(matches!(read_settings(&path), Err(TextFileError::Read(..))));
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(matches!(read_settings(&path), Err(TextFileError::NotAFile(_))));
        fs::remove_file(&path).unwrap();
        fs::write(&path, vec![b'#'; 1 << 20]).unwrap();
        assert!(read_settings(&path).is_ok());
        fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert!(matches!(read_settings(&path), Err(TextFileError::TooLong(_))));
        fs::write(&path, b"ok\xff").unwrap();
        assert!(matches!(read_settings(&path), Err(TextFileError::NotText(_, 2))));
    }
}
