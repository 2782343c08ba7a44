//! The entries of a directory of keys.
//!
//! A file must not become a key because it happens to be in the directory: its owner
//! may not have meant it as one, and its content may be public.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{KeyName, KeyRules, KeySetError, NamedFile};
use crate::keys::doubt::{Subject, has_telling_name, refuse};
use crate::keys::file::KeyFileError;

/// The key files in a directory, sorted by name.
pub(super) fn list(directory: &Path, rules: KeyRules) -> Result<Vec<NamedFile>, KeySetError> {
    entries(directory, rules)?.into_iter().collect()
}

/// Each entry of a directory that must be a key file, sorted by name.
///
/// Every entry that is not hidden must be a key. The hidden entries are parts of a
/// Kubernetes volume: there, `alice` is a link to `..data/alice`, and `..data` is a
/// link to a directory that is replaced atomically.
pub(super) fn entries(
    directory: &Path,
    rules: KeyRules,
) -> Result<Vec<Result<NamedFile, KeySetError>>, KeySetError> {
    let error = |cause| KeySetError::Directory(directory.to_owned(), cause);
    let metadata = directory.metadata().map_err(error)?;
    refuse(&rules.doubts(&metadata, &Subject::Directory(directory.to_owned())), |_| true)?;
    let entries = fs::read_dir(directory).map_err(error)?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(error)?;
    names.retain(|name| !name.as_bytes().starts_with(b"."));
    names.sort_unstable();
    if names.is_empty() {
        return Err(KeySetError::Empty(directory.to_owned()));
    }
    let check = |name: OsString| {
        let path = directory.join(&name);
        check_entry(&path, rules)?;
        Ok(NamedFile { name: KeyName::new(&name), path })
    };
    Ok(names.into_iter().map(check).collect())
}

/// Checks the name of an entry, and a link, before anything is opened.
fn check_entry(path: &Path, rules: KeyRules) -> Result<(), KeySetError> {
    let not_a_key = |what| KeySetError::NotAKey { path: path.to_owned(), what };
    if has_telling_name(path) {
        return Err(not_a_key("named like another kind of file"));
    }
    // A dangling link was meant to be a key.
    let error = |cause| KeyFileError::opening(path, cause);
    let metadata = path.symlink_metadata().map_err(error)?;
    let metadata = if metadata.is_symlink() {
        refuse(&rules.doubts(&metadata, &Subject::Link(path.to_owned())), |_| true)?;
        path.metadata().map_err(error)?
    } else {
        metadata
    };
    if metadata.is_dir() {
        Err(not_a_key("a directory"))
    } else if !metadata.is_file() {
        Err(not_a_key("not a regular file"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::keys::KeySource;
    use crate::keys::set::KEYS_MAX;

    #[test]
    fn directory_holds_regular_files_and_links_to_them() {
        let lab = directory(&["bob", "alice", ".hidden"]);
        let elsewhere = directory(&["carol"]);
        symlink(elsewhere.path().join("carol"), lab.path().join("dave")).unwrap();
        assert_eq!(load(&lab), Ok(names(&["alice", "bob", "dave"])));
    }

    #[test]
    fn kubernetes_volume_is_a_directory_of_keys() {
        let lab = directory(&[]);
        let volume = lab.path();
        let version = volume.join("..2026_11_26_05_47_48.1234567890");
        fs::create_dir(&version).unwrap();
        for name in ["alice", "bob"] {
            write(&version.join(name), name, 0o440);
            symlink(format!("..data/{name}"), volume.join(name)).unwrap();
        }
        symlink(version.file_name().unwrap(), volume.join("..data")).unwrap();
        fs::set_permissions(&version, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(volume, Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(load(&lab), Ok(names(&["alice", "bob"])));
        // What defaultMode is if nobody sets it.
        fs::set_permissions(version.join("bob"), Permissions::from_mode(0o644)).unwrap();
        let error = load(&lab).unwrap_err();
        assert!(error.contains("/bob can be read by other users: run chmod o-r "), "{error}");
    }

    #[test]
    fn systemd_credentials_are_a_directory_of_keys() {
        // The group's bits are the mask of an access list for the service.
        for (file, folder) in [(0o400, 0o500), (0o440, 0o550)] {
            let lab = directory(&[]);
            for name in ["alice", "bob"] {
                write(&lab.path().join(name), name, file);
            }
            fs::set_permissions(lab.path(), Permissions::from_mode(folder)).unwrap();
            assert_eq!(load(&lab), Ok(names(&["alice", "bob"])));
        }
    }

    #[test]
    fn whatever_is_no_key_spoils_the_set_and_is_named() {
        type Spoil = fn(&Path);
        let spoil: [(&str, Spoil, &str); 8] = [
            (
                "redis.env",
                |path| write(path, "MODE=-e", 0o600),
                "is in a directory of keys and is named like",
            ),
            ("key~", |path| write(path, "x", 0o600), "is in a directory of keys and is named like"),
            (
                "folder",
                |path| fs::create_dir(path).unwrap(),
                "is in a directory of keys and is a directory: move",
            ),
            (
                "socket",
                |path| drop(UnixListener::bind(path).unwrap()),
                "is in a directory of keys and is not a regular file",
            ),
            (
                "link",
                |path| symlink("/", path).unwrap(),
                "is in a directory of keys and is a directory: move",
            ),
            ("open", |path| write(path, "x", 0o604), "can be read by other users: run chmod o-r"),
            ("loose", |path| write(path, "x", 0o620), "can be changed by other users: run chmod"),
            ("empty", |path| write(path, "", 0o600), "is empty: remove it"),
        ];
        for (name, spoil, reason) in spoil {
            let lab = directory(&["alice"]);
            spoil(&lab.path().join(name));
            let error = load(&lab).unwrap_err();
            assert!(error.contains(&format!("/{name} {reason}")), "{name}: {error}");
        }
    }

    #[test]
    fn directory_that_others_can_change_is_refused() {
        let lab = directory(&["alice"]);
        fs::set_permissions(lab.path(), Permissions::from_mode(0o775)).unwrap();
        let error = load(&lab).unwrap_err();
        assert!(error.contains("can be changed by other users: run chmod go-w "), "{error}");
    }

    #[test]
    fn link_that_leads_nowhere_spoils_the_set_and_is_named() {
        let lab = directory(&["alice"]);
        symlink("nowhere", lab.path().join("bob")).unwrap();
        let error = load(&lab).unwrap_err();
        assert!(
            error.contains("Cannot open file") && error.contains("/bob: No such file"),
            "{error}"
        );
    }

    #[test]
    fn directory_without_a_key_is_an_error() {
        let error = load(&directory(&[".hidden"])).unwrap_err();
        assert!(error.contains("No key file in the directory"), "{error}");
    }

    #[test]
    fn equal_content_is_found_in_files() {
        let lab = directory(&["alice"]);
        write(&lab.path().join("bob"), "alice", 0o600);
        let error = load(&lab).unwrap_err();
        assert!(error.contains("Keys alice and bob have the same content"), "{error}");
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_keys() {
        let numbers: Vec<_> = (0..KEYS_MAX).map(|number| number.to_string()).collect();
        let lab = directory(&numbers.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(load(&lab).unwrap().len(), KEYS_MAX);
        write(&lab.path().join("more"), "more", 0o600);
        let error = load(&lab).unwrap_err();
        assert!(error.contains("1025 keys; 1024 are possible:"), "{error}");
    }

    #[test]
    fn weak_key_is_a_doubt_and_an_error_only_if_rules_are_strict() {
        let lab = directory(&["alice"]);
        let source = KeySource::FileOrDirectory(lab.path().into());
        let loaded = source.load(KeyRules::default()).unwrap();
        let [doubt] = &*loaded.doubts else { panic!("{:?}", loaded.doubts) };
        assert!(doubt.to_string().contains("/alice is easy to guess"), "{doubt}");
        let strict = KeyRules { strict: true, ..KeyRules::default() };
        let error = source.load(strict).unwrap_err().to_string();
        assert!(error.contains("/alice is easy to guess"), "{error}");
    }

    /// Each file has its name as its content.
    fn directory(files: &[&str]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in files {
            write(&directory.path().join(name), name, 0o600);
        }
        directory
    }

    fn write(path: &Path, content: &str, mode: u32) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The names, or the error in words.
    fn load(directory: &TempDir) -> Result<Vec<String>, String> {
        let path = PathBuf::from(directory.path());
        let loaded = KeySource::FileOrDirectory(path).load(KeyRules::default());
        let keys = loaded.map_err(|error| error.to_string())?.keys;
        Ok(keys.keys().iter().map(|key| key.name().unwrap().to_string()).collect())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }
}
