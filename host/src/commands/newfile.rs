//! A file that appears under its name in one step, complete and on disk, or
//! not at all, and never replaces another.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, linkat};
use rustix::io::Errno;
use thiserror::Error;

/// A file that only its owner can read, whatever the file mode mask, and that
/// has no name yet. Dropped without [`commit`](Self::commit), it never was.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// What it will be called.
    path: PathBuf,
    directory: File,
    file: File,
    /// Where it is meanwhile, if the file system knows no nameless files.
    temporary: Option<Temporary>,
}

impl NewFile {
    /// Makes sure that nothing has this name, and that a file can be made in
    /// its directory.
    ///
    /// # Errors
    /// [`NewFileError`]; nothing was made.
    pub(crate) fn reserve(path: &Path) -> Result<Self, NewFileError> {
        let failed = |cause| NewFileError::Create(path.to_owned(), cause);
        if path.file_name().is_none() || path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(failed(Errno::ISDIR.into()));
        }
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        match path.symlink_metadata() {
            Ok(_) => return Err(NewFileError::Exists(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let directory = File::open(folder).map_err(failed)?;
        let (file, temporary) = match nameless(folder) {
            Ok(file) => (file, None),
            Err(_) => named(path).map(|(file, name)| (file, Some(name))).map_err(failed)?,
        };
        // The mask may have taken even the owner's permissions.
        file.set_permissions(Permissions::from_mode(MODE)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), directory, file, temporary })
    }

    /// Writes the content, and gives the file its name once all of it is on
    /// disk.
    ///
    /// # Errors
    /// [`NewFileError`]; nothing is left.
    pub(crate) fn commit(mut self, content: &[u8]) -> Result<(), NewFileError> {
        let failed = |cause| NewFileError::Create(self.path.clone(), cause);
        self.file.write_all(content).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        match self.give_name() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(NewFileError::Exists(self.path.clone()));
            }
            named => named.map_err(failed)?,
        }
        match self.directory.sync_all() {
            // Not every file system can do that for a directory.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            synced => synced.map_err(|error| {
                let _ = fs::remove_file(&self.path);
                failed(error)
            }),
        }
    }

    /// A new link, which fails if there is one of that name.
    fn give_name(&self) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            return fs::hard_link(&temporary.0, &self.path);
        }
        let flags = AtFlags::SYMLINK_FOLLOW;
        let link = descriptor_path(&self.file);
        Ok(linkat(CWD, &link, CWD, &self.path, flags)?)
    }
}

/// Why there is no new file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum NewFileError {
    /// Something has that name.
    #[error(
        "{} exists already and is not overwritten: choose another name, or remove it if nothing \
         uses it", .0.display()
    )]
    Exists(PathBuf),
    /// The directory is missing, not ours to write in, or full.
    #[error("Cannot create {}", .0.display())]
    Create(PathBuf, #[source] io::Error),
}

/// A name that goes with the value.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const MODE: u32 = 0o600;

/// The kernel removes it if it never gets a name, however this process ends.
fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE.bits().cast_signed();
    let file = OpenOptions::new().write(true).custom_flags(flags).mode(MODE).open(folder)?;
    // Only through this path can it get one.
    descriptor_path(&file).symlink_metadata()?;
    Ok(file)
}

fn descriptor_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// For file systems without nameless files, such as NFS.
fn named(path: &Path) -> io::Result<(File, Temporary)> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let suffix = u64::from_ne_bytes(random);
    let name = path.file_name().unwrap_or_default().display();
    let temporary = path.with_file_name(format!(".{name}.{suffix:016x}"));
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&temporary)?;
    Ok((file, Temporary(temporary)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn file_has_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for make in [NewFile::reserve, reserve_named] {
            let file = make(&path).unwrap();
            assert!(!path.exists());
            file.commit(b"content").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"content");
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, MODE);
            assert_eq!(names(folder.path()), ["key"]);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn nothing_stays_of_a_file_that_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        for make in [NewFile::reserve, reserve_named] {
            drop(make(&folder.path().join("key")).unwrap());
            assert_eq!(names(folder.path()), [""; 0]);
        }
    }

    #[test]
    fn what_has_the_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(NewFile::reserve(&path), Err(NewFileError::Exists(_))));
        fs::remove_file(&path).unwrap();

        for make in [NewFile::reserve, reserve_named] {
            let late = make(&path).unwrap();
            fs::write(&path, "precious").unwrap();
            assert!(matches!(late.commit(b"x"), Err(NewFileError::Exists(_))));
            assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
            assert_eq!(names(folder.path()), ["key"]);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn missing_directory_is_an_error() {
        let error = NewFile::reserve(Path::new("/nonexistent/key")).unwrap_err();
        assert_eq!(error.to_string(), "Cannot create /nonexistent/key");
        for directory in ["/", "..", "", "/tmp/"] {
            assert!(NewFile::reserve(Path::new(directory)).is_err(), "{directory}");
        }
    }

    /// As on a file system without nameless files.
    fn reserve_named(path: &Path) -> Result<NewFile, NewFileError> {
        let mut file = NewFile::reserve(path)?;
        let (inner, temporary) = named(path).unwrap();
        (file.file, file.temporary) = (inner, Some(temporary));
        Ok(file)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}
