//! The file that names the process, for one that gives up the right to open files
//! before it is the one to be named.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process;

/// A pid file that names somebody else, or nobody.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
    /// How long it is.
    len: usize,
    /// Where it is, if it was not there before.
    made: Option<PathBuf>,
}

impl PidFile {
    /// Opens it, as it is.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true);
        match options.open(path) {
            Ok(file) => {
                let len = file.metadata()?.len();
                let len = usize::try_from(len).unwrap_or(LEN_MAX).min(LEN_MAX);
                Ok(Self { file, len, made: None })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = options.create_new(true).open(path)?;
                Ok(Self { file, len: 0, made: Some(path.to_owned()) })
            }
            Err(error) => Err(error),
        }
    }

    /// It names this process from now on, at every moment: of two that it could
    /// name, it names one. It gets no shorter: what is left of it is empty lines.
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
    /// It was made for nothing.
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            // Where that is forbidden by now, it stays, and names nobody.
            let _ = fs::remove_file(path);
        }
    }
}

/// More than any process's name takes.
const LEN_MAX: usize = 64;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn former_name_is_replaced_at_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        for (former, padding) in [("1", 0), ("12345678901234567890", 1)] {
            fs::write(&path, former).unwrap();
            let mut file = PidFile::open(&path).unwrap();
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
        drop(PidFile::open(&path).unwrap());
        assert!(!path.exists());
        PidFile::open(&path).unwrap().write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), process::id().to_string());
    }
}
