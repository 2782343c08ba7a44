//! Names that resolve as a test wants them to.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use nix::unistd::geteuid;

use crate::Lab;

/// A file that stands in for `/etc/hosts`, seen by one program only.
pub struct Hosts {
    file: PathBuf,
}

impl Hosts {
    /// A file with this content.
    pub fn new(lab: &Lab, content: &str) -> Self {
        Self { file: lab.write("hosts", content) }
    }

    /// Changes the content, also for programs that run already.
    pub fn change(&self, content: &str) {
        // Not by renaming: they see this file, wherever its name goes.
        fs::write(&self.file, content).unwrap();
    }

    /// What to start a program with: `unshare`, as root or, where the kernel
    /// lets users have namespaces, as anybody.
    pub fn wrapper(&self) -> Vec<OsString> {
        let as_root: &[&str] =
            if geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
        let mut words = vec![OsString::from("unshare")];
        words.extend(as_root.iter().map(OsString::from));
        words.extend(["--mount", "sh", "-c", MOUNT_AND_RUN, "sh"].map(OsString::from));
        words.push(self.file.clone().into());
        words
    }
}

const MOUNT_AND_RUN: &str = r#"mount --bind "$1" /etc/hosts && shift && exec "$@""#;
