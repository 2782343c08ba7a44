//! Reasons to doubt that a file should be used as a key.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::KeySetError;

/// The checks on key files besides reading them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// `--strict-keys`: each doubt is an error.
    pub strict: bool,
    /// A user whose files are trusted, besides root and the effective user: the one
    /// that this process will become.
    pub user: Option<u32>,
}

impl KeyRules {
    /// Whether this owner is trusted with the key.
    fn trust_owner(&self, metadata: &Metadata) -> bool {
        let owner = metadata.uid();
        owner == ROOT || owner == geteuid().as_raw() || Some(owner) == self.user
    }

    /// The doubts about the owner and the mode of a key file.
    pub(super) fn doubts(&self, metadata: &Metadata, of: &Subject) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let mut add = |flaw| doubts.push(Doubt { of: of.clone(), flaw });
        if !self.trust_owner(metadata) {
            add(Flaw::Owner(metadata.uid()));
        }
        // Only the owner of a link can change it.
        if metadata.is_symlink() {
            return doubts;
        }
        // The names of keys are not secret. In a sticky directory, where everyone may
        // add files and nobody may replace another user's, a trusted owner suffices.
        let is_directory = metadata.is_dir();
        if metadata.mode() & READABLE_BY_OTHERS != 0 && !is_directory {
            add(Flaw::Readable);
        }
        let sticky = is_directory && metadata.mode() & STICKY != 0;
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 && !sticky {
            add(Flaw::Writable);
        }
        doubts
    }
}

/// A doubt about a key. Its text names the file and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub(super) of: Subject,
    pub(super) flaw: Flaw,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    File(PathBuf),
    Stdin,
    /// A symbolic link in a directory of keys.
    Link(PathBuf),
    Directory(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The file belongs to another user.
    Owner(u32),
    Readable,
    Writable,
    Empty,
    Weak,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match &self.of {
            Subject::File(path) | Subject::Link(path) | Subject::Directory(path) => path.display(),
            Subject::Stdin => return self.fmt_stdin(f),
        };
        let kind = match &self.of {
            Subject::File(_) | Subject::Stdin => "Key file",
            Subject::Link(_) => "Link",
            Subject::Directory(_) => "Key directory",
        };
        write!(f, "{kind} {path} ")?;
        match self.flaw {
            Flaw::Owner(owner) => {
                let no_follow = if matches!(self.of, Subject::Link(_)) { "-h " } else { "" };
                write!(
                    f,
                    "belongs to user {owner}, who can change it: run chown {no_follow}root {path}"
                )
            }
            Flaw::Readable => write!(f, "can be read by other users: run chmod o-r {path}"),
            Flaw::Writable => write!(f, "can be changed by other users: run chmod go-w {path}"),
            Flaw::Empty => write!(f, "{EMPTY}"),
            Flaw::Weak => write!(f, "{WEAK}"),
        }
    }
}

impl Doubt {
    /// The source of standard input has no name here, and another user may have to
    /// change it.
    fn fmt_stdin(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The key on standard input ")?;
        match self.flaw {
            Flaw::Owner(owner) => write!(f, "is in a file of user {owner}, who can change it"),
            Flaw::Readable => f.write_str("is in a file that other users can read"),
            Flaw::Writable => f.write_str("is in a file that other users can change"),
            Flaw::Empty => f.write_str(EMPTY),
            Flaw::Weak => f.write_str(WEAK),
        }
    }
}

const EMPTY: &str = "is empty, and anyone can guess this key: make one with spiped keygen KEYFILE";
/// Anyone who has recorded both nonces and a MAC can test any guess of the key.
const WEAK: &str = "is easy to guess: it has less than 128 bits, and anyone who records one \
    connection can try keys offline: make one with spiped keygen KEYFILE";

/// The first of the doubts, as an error, if doubts are errors.
pub(super) fn refuse(doubts: &[Doubt], is_fatal: impl Fn(Flaw) -> bool) -> Result<(), KeySetError> {
    match doubts.iter().find(|doubt| is_fatal(doubt.flaw)) {
        Some(doubt) => Err(KeySetError::Unfit(doubt.clone())),
        None => Ok(()),
    }
}

/// Whether the name of a file in a directory of keys is that of another kind of file.
pub(super) fn has_telling_name(name: &Path) -> bool {
    let name = name.as_os_str().to_ascii_lowercase();
    name.as_encoded_bytes().ends_with(b"~")
        || Path::new(&name)
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| TELLING_EXTENSIONS.contains(&extension))
}

/// Settings, pid files, files of editors, public keys.
const TELLING_EXTENSIONS: [&str; 7] = ["bak", "conf", "env", "pid", "pub", "swp", "toml"];

const ROOT: u32 = 0;
/// `r` for others. Access for a group is the administrator's choice.
const READABLE_BY_OTHERS: u32 = 0o004;
/// `w` for the group and for others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn modes_let_the_group_read_and_nobody_else_do_anything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "x").unwrap();
        for (mode, flaws) in [
            (0o400, &[][..]),
            (0o600, &[]),
            (0o440, &[]),
            (0o751, &[]),
            (0o644, &[Flaw::Readable]),
            (0o620, &[Flaw::Writable]),
            (0o602, &[Flaw::Writable]),
            (0o666, &[Flaw::Readable, Flaw::Writable]),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(flaws_of(&path), flaws, "{mode:o}");
        }
    }

    #[test]
    fn directory_may_be_listed_by_all_and_is_changed_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, flaws) in [
            (0o700, &[][..]),
            (0o755, &[]),
            (0o1777, &[]),
            (0o775, &[Flaw::Writable]),
            (0o757, &[Flaw::Writable]),
        ] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(flaws_of(folder.path()), flaws, "{mode:o}");
        }
    }

    #[test]
    fn telling_names_are_told() {
        for name in
            ["redis.env", "a.PID", "spiped.conf", "x.toml", "key~", "key.bak", ".key.swp", "id.pub"]
        {
            assert!(has_telling_name(name.as_ref()), "{name}");
        }
        for name in
            ["alice", "redis.key", "env", "bak", "app.example.net", "a~b", "key.environment"]
        {
            assert!(!has_telling_name(name.as_ref()), "{name}");
        }
    }

    #[test]
    fn words_name_the_file_and_the_remedy() {
        let said = |of: Subject, flaw| Doubt { of, flaw }.to_string();
        let file = || Subject::File("/k".into());
        assert_eq!(
            said(file(), Flaw::Owner(7)),
            "Key file /k belongs to user 7, who can change it: run chown root /k"
        );
        assert!(said(file(), Flaw::Readable).ends_with(": run chmod o-r /k"));
        assert!(said(Subject::Link("/l".into()), Flaw::Owner(7)).ends_with("chown -h root /l"));
        let directory = Subject::Directory("/d".into());
        assert!(said(directory, Flaw::Writable).ends_with(": run chmod go-w /d"));
        for flaw in [Flaw::Owner(7), Flaw::Readable, Flaw::Writable, Flaw::Empty, Flaw::Weak] {
            let said = said(Subject::Stdin, flaw);
            assert!(!said.contains("chmod") && !said.contains("chown"), "{said}");
        }
    }

    fn flaws_of(path: &Path) -> Vec<Flaw> {
        let subject = Subject::File(path.into());
        let doubts = KeyRules::default().doubts(&path.metadata().unwrap(), &subject);
        doubts.into_iter().map(|doubt| doubt.flaw).collect()
    }
}
