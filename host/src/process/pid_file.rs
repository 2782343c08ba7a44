//! The pid file, for a process that loses the right to open files before its number may
//! be written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

use rustix::process::geteuid;

/// A pid file that contains another process's number, or none.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
    /// Its length.
    len: usize,
    /// How to remove it, if it was not there before.
    made: Option<Made>,
}

/// A pid file that was not there before, and contains no number yet.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    path: PathBuf,
    /// Its device and inode.
    file: (u64, u64),
}

impl PidFile {
    /// Opens it without changing it. A user who may write to its directory, as the
    /// `user` whom the daemon becomes may, could have put any file in its place, and
    /// this process opens it with the rights of root. So it has to look like a pid
    /// file: a regular file with one name, of root or that user, that contains a number
    /// or nothing.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) fn open(path: &Path, user: Option<u32>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        options.read(true).write(true).custom_flags(flags);
        match options.open(path) {
            Ok(file) => {
                let len = examine(&file, user)?;
                Ok(Self { file, len, made: None })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = options.create_new(true).mode(MODE).open(path)?;
                let about = file.metadata()?;
                let made = Made { path: path.to_owned(), file: (about.dev(), about.ino()) };
                Ok(Self { file, len: 0, made: Some(made) })
            }
            Err(_) if fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()) => {
                Err(io::Error::other("it is a symbolic link"))
            }
            Err(error) => Err(error),
        }
    }

    /// What to [take back](Made::take_back) if the file is not written.
    #[must_use]
    pub(crate) fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    /// Writes the number of this process. At every moment, the file contains either the
    /// old or the new number. It is not shortened: the rest is empty lines.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        self.made = None;
        let mut text = process::id().to_string().into_bytes();
        text.resize(text.len().max(self.len), b'\n');
        self.file.write_all_at(&text, 0)
    }
}

impl Drop for PidFile {
    /// The file was not needed.
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            // A process without the right to do this has a helper that has it.
            let _ = made.take_back();
        }
    }
}

impl Made {
    /// Removes it, if it is still the same file and still contains no number.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == self.file && now.len() == 0 => {
                fs::remove_file(&self.path)
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Checks it. Returns its length.
fn examine(file: &File, user: Option<u32>) -> io::Result<usize> {
    let about = file.metadata()?;
    let wrong = |what: &str| Err(io::Error::other(what.to_owned()));
    if !about.is_file() {
        return wrong("it is not a regular file");
    }
    if about.nlink() > 1 {
        return wrong("it has another name, too (a hard link)");
    }
    if ![Some(0), Some(geteuid().as_raw()), user].contains(&Some(about.uid())) {
        return wrong(&format!("it belongs to user {}", about.uid()));
    }
    let mut text = Vec::new();
    file.take(LEN_MAX + 1).read_to_end(&mut text)?;
    let is_one = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
    if text.len() as u64 > LEN_MAX || !text.iter().all(is_one) {
        return wrong("its content is not a process ID");
    }
    Ok(text.len())
}

/// More than the number of any process has.
const LEN_MAX: u64 = 64;

/// Less the umask, as for any file.
const MODE: u32 = 0o666;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::unix::fs::{chown, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn former_name_is_replaced_at_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        for (former, padding) in [("1", 0), ("12345678901234567890", 1)] {
            fs::write(&path, former).unwrap();
            let mut file = PidFile::open(&path, None).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), former);
            file.write().unwrap();
            drop(file);
            let written = fs::read_to_string(&path).unwrap();
            assert_eq!(written.trim_end_matches('\n'), process::id().to_string());
            assert_eq!(written.ends_with('\n'), padding == 1);
            assert!(written.len() >= former.len());
        }
    }

    #[test]
    fn file_that_was_made_for_nothing_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        drop(PidFile::open(&path, None).unwrap());
        assert!(!path.exists());
        PidFile::open(&path, None).unwrap().write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), process::id().to_string());
    }

    #[test]
    fn what_somebody_else_has_put_in_its_place_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("pid"), folder.path().join("other"));
        let refused = |reason: &str| {
            let error = PidFile::open(&path, Some(65534)).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            fs::remove_file(&path).unwrap();
        };
        fs::write(&path, "root:x:0:0:root:/root:/bin/bash").unwrap();
        refused("not a process ID");
        fs::write(&path, "1".repeat(65)).unwrap();
        refused("not a process ID");
        fs::write(&other, "1").unwrap();
        symlink(&other, &path).unwrap();
        refused("symbolic link");
        symlink(folder.path().join("missing"), &path).unwrap();
        refused("symbolic link");
        fs::hard_link(&other, &path).unwrap();
        refused("another name");
        let _nobody_else_has_it = UnixListener::bind(&path).unwrap();
        refused("");
        assert_eq!(fs::read_to_string(&other).unwrap(), "1");
        if geteuid().is_root() {
            chown(&other, Some(1), None).unwrap();
            fs::rename(&other, &path).unwrap();
            refused("user 1");
            fs::write(&path, "1").unwrap();
            chown(&path, Some(65534), None).unwrap();
            PidFile::open(&path, Some(65534)).unwrap();
        }
    }

    #[test]
    fn only_what_was_made_for_nothing_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let made = PidFile::open(&path, None).unwrap().made().unwrap().clone();
        assert!(!path.exists());
        made.take_back().unwrap();
        let mut file = PidFile::open(&path, None).unwrap();
        let made = file.made().unwrap().clone();
        file.write().unwrap();
        made.take_back().unwrap();
        assert!(path.exists());
        assert!(PidFile::open(&path, None).unwrap().made().is_none());
        fs::rename(&path, folder.path().join("kept")).unwrap();
        fs::write(&path, "").unwrap();
        made.take_back().unwrap();
        assert!(path.exists());
    }
}
