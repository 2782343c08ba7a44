//! `-u`: becomes another user permanently, and verifies that.

use std::fmt;
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{
    Gid, Group, Uid, User, getgroups, getresgid, getresuid, setgid, setgroups, setuid,
};
use thiserror::Error;

/// A user, a group, or both, as written: names or numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityName {
    user: Option<Name>,
    group: Option<Name>,
}

/// The name of a user or a group, and the number it is if nobody has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    text: String,
    number: Option<u32>,
}

impl IdentityName {
    /// Parses `USER`, `:GROUP` or `USER:GROUP`; `number` parses numbers.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError`] when a part is empty.
    pub fn parse(text: &str, number: impl Fn(&str) -> Option<u32>) -> Result<Self, PrivilegeError> {
        if text.is_empty() {
            return Err(PrivilegeError::Empty);
        }
        let (user, group) = match text.split_once(':') {
            Some((_, "")) => return Err(PrivilegeError::EmptyGroup(text.to_owned())),
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        // The kernel takes the largest number for "no change": it is no user.
        let number = |text: &str| number(text).filter(|&id| id != u32::MAX);
        let name = |text: &str| Name { text: text.to_owned(), number: number(text) };
        Ok(Self {
            user: Some(user).filter(|user| !user.is_empty()).map(name),
            group: group.map(name),
        })
    }

    /// Looks it up. Names take precedence; a number counts if there is no such name, or
    /// no database of names. A user alone leaves the group as it is.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError`] when a part is unknown or cannot be looked up.
    pub fn look_up(&self) -> Result<Identity, PrivilegeError> {
        Ok(Identity {
            user: self.user.as_ref().map(find_user).transpose()?,
            group: self.group.as_ref().map(find_group).transpose()?,
        })
    }
}

/// As it was written.
impl fmt::Display for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map_or("", |user| &user.text);
        match &self.group {
            Some(group) => write!(f, "{user}:{}", group.text),
            None => f.write_str(user),
        }
    }
}

/// A user, a group, or both, looked up and ready to be assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    user: Option<Uid>,
    group: Option<Gid>,
}

impl Identity {
    /// The number of the user.
    #[must_use]
    pub fn user(self) -> Option<u32> {
        self.user.map(Uid::as_raw)
    }

    /// Leaves every supplementary group, then changes the group, then the user, and
    /// checks that there is no way back. This cannot be undone.
    ///
    /// # Errors
    ///
    /// [`PrivilegeError`] says which step was refused; the process must not
    /// go on, as part of the change may have happened.
    pub fn assume(self) -> Result<(), PrivilegeError> {
        leave_supplementary_groups()?;
        if let Some(group) = self.group {
            setgid(group).map_err(|cause| PrivilegeError::Group(group, cause))?;
        }
        if let Some(user) = self.user {
            setuid(user).map_err(|cause| PrivilegeError::User(user, cause))?;
        }
        self.verify()
    }

    /// Makes it the owner of a file; a symbolic link is not followed.
    ///
    /// # Errors
    ///
    /// When this is refused: only root may do it.
    pub fn own(&self, file: &Path) -> io::Result<()> {
        lchown(file, self.user.map(Uid::as_raw), self.group.map(Gid::as_raw))
    }

    /// A kernel or an emulation may report success and keep a saved id. This checks it.
    fn verify(self) -> Result<(), PrivilegeError> {
        if let Some(group) = self.group {
            let now = getresgid().map_err(PrivilegeError::Unverified)?;
            if [now.real, now.effective, now.saved] != [group; 3] {
                return Err(PrivilegeError::NotDropped);
            }
        }
        if let Some(user) = self.user {
            let now = getresuid().map_err(PrivilegeError::Unverified)?;
            let regained = !user.is_root() && setuid(Uid::from_raw(0)).is_ok();
            if regained || [now.real, now.effective, now.saved] != [user; 3] {
                return Err(PrivilegeError::NotDropped);
            }
        }
        Ok(())
    }
}

/// Why the process could not become this user or group.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrivilegeError {
    /// Nothing at all.
    #[error("Empty user and group name (write USER, :GROUP or USER:GROUP)")]
    Empty,
    /// A colon with nothing after it.
    #[error("Empty group name: \"{0}\" (write USER, :GROUP or USER:GROUP)")]
    EmptyGroup(String),
    /// Neither a name nor a number.
    #[error("No such user: {0} (-u, `user =`)")]
    NoSuchUser(String),
    /// Neither a name nor a number.
    #[error("No such group: {0} (-u, `user =`)")]
    NoSuchGroup(String),
    /// The user database failed.
    #[error("Error looking up user or group {0}: {1} (-u, `user =`)")]
    LookUp(String, Errno),
    /// Refused by the kernel.
    #[error("Failed to leave supplementary groups")]
    SupplementaryGroups(#[source] Errno),
    /// Refused by the kernel.
    #[error(
        "Failed to drop privileges: cannot become group {0} (start as root to use -u, `user \
        =`)"
    )]
    Group(Gid, #[source] Errno),
    /// Refused by the kernel.
    #[error(
        "Failed to drop privileges: cannot become user {0} (start as root to use -u, `user \
        =`)"
    )]
    User(Uid, #[source] Errno),
    /// The outcome cannot be seen.
    #[error("Failed to drop privileges: cannot check the result")]
    Unverified(#[source] Errno),
    /// The kernel said yes and did no such thing.
    #[error("Failed to drop privileges: the old ones can be regained")]
    NotDropped,
}

fn find_user(Name { text, number }: &Name) -> Result<Uid, PrivilegeError> {
    match (User::from_name(text), number) {
        (Ok(Some(user)), _) => Ok(user.uid),
        (Ok(None) | Err(_), &Some(number)) => Ok(Uid::from_raw(number)),
        (Ok(None), None) => Err(PrivilegeError::NoSuchUser(text.clone())),
        (Err(cause), None) => Err(PrivilegeError::LookUp(text.clone(), cause)),
    }
}

fn find_group(Name { text, number }: &Name) -> Result<Gid, PrivilegeError> {
    match (Group::from_name(text), number) {
        (Ok(Some(group)), _) => Ok(group.gid),
        (Ok(None) | Err(_), &Some(number)) => Ok(Gid::from_raw(number)),
        (Ok(None), None) => Err(PrivilegeError::NoSuchGroup(text.clone())),
        (Err(cause), None) => Err(PrivilegeError::LookUp(text.clone(), cause)),
    }
}

/// Only root may do this; others keep their groups, with a warning.
fn leave_supplementary_groups() -> Result<(), PrivilegeError> {
    match setgroups(&[]) {
        Ok(()) | Err(Errno::EPERM) => {}
        Err(cause) => return Err(PrivilegeError::SupplementaryGroups(cause)),
    }
    let left = getgroups().map_err(PrivilegeError::SupplementaryGroups)?;
    if !left.is_empty() {
        log::warn!("Warning: Failed to leave supplementary groups");
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        let root = (Some(Uid::from_raw(0)), Some(Gid::from_raw(0)));
        for (text, (user, group)) in [
            ("root", (root.0, None)),
            (":root", (None, root.1)),
            ("root:root", root),
            ("0:0", root),
            ("70000", (Some(Uid::from_raw(70000)), None)),
        ] {
            assert_eq!(look_up(text), Ok(Identity { user, group }), "{text}");
        }
    }

    #[test]
    fn empty_parts_are_refused() {
        assert_eq!(look_up(""), Err(PrivilegeError::Empty));
        for text in ["root:", ":"] {
            assert_eq!(look_up(text), Err(PrivilegeError::EmptyGroup(text.to_owned())));
        }
    }

    #[test]
    fn unknown_names_and_impossible_numbers_are_refused() {
        for text in ["no-such-user-here", "4294967295", "4294967296", "-1"] {
            assert_eq!(look_up(text), Err(PrivilegeError::NoSuchUser(text.to_owned())));
        }
        assert_eq!(
            look_up("0:no-such-group-here"),
            Err(PrivilegeError::NoSuchGroup("no-such-group-here".to_owned()))
        );
    }

    fn look_up(text: &str) -> Result<Identity, PrivilegeError> {
        IdentityName::parse(text, |text| text.parse().ok())?.look_up()
    }
}
