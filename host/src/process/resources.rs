//! The resources that this process uses now.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::mem::MaybeUninit;

use rustix::fs::RawDir;
use rustix::param::page_size;
use rustix::process::{Resource, getrlimit};

/// Reads the resources that the process uses. Made at the start, because later no file
/// can be opened.
#[derive(Debug)]
pub(crate) struct Resources {
    memory: Option<File>,
    descriptors: Option<File>,
}

impl Resources {
    /// Opens the files with the numbers of this process.
    #[must_use]
    pub(crate) fn open() -> Self {
        let open = |path| File::open(path).ok();
        Self { memory: open("/proc/self/statm"), descriptors: open("/proc/self/fd") }
    }

    /// Resident memory, in bytes, if the system tells.
    #[must_use]
    pub(crate) fn memory(&self) -> Option<u64> {
        let mut text = String::new();
        let mut file = self.memory.as_ref()?;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text)).ok()?;
        let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * page_size() as u64)
    }

    /// How many descriptors are open, if the system tells.
    #[must_use]
    pub(crate) fn descriptors(&self) -> Option<u64> {
        count_entries(self.descriptors.as_ref()?).ok()
    }
}

/// How many descriptors may be open; `None`: any number.
#[must_use]
pub(crate) fn descriptors_max() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

fn count_entries(mut folder: &File) -> io::Result<u64> {
    folder.seek(SeekFrom::Start(0))?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let name = entry?.file_name().to_bytes().to_owned();
        count += u64::from(name != b"." && name != b"..");
    }
    Ok(count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_shows() {
        let resources = Resources::open();
        let before = resources.descriptors().unwrap();
        let opened: Vec<_> = (0..500).map(|_| File::open("/dev/null").unwrap()).collect();
        // Other tests open and close some as well.
        assert!(resources.descriptors().unwrap() > before + 400);
        drop(opened);
        assert!(resources.descriptors().unwrap() < before + 400);
        assert!(descriptors_max().unwrap() > before);
        assert!(resources.memory().unwrap() > 1024 * 1024);
    }
}
