//! The keys that are in use at one time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio::sync::watch;

use super::{KeyName, KeySetError, KeySource};
use crate::keys::file::Psk;
use crate::observe::counters::Counters;

/// With more keys, the search would delay every handshake of a server.
pub(crate) const KEYS_MAX: usize = 1024;

/// A key without its secret, for connections: its name and its account.
#[derive(Clone, Debug)]
pub struct Key {
    name: Option<KeyName>,
    account: Arc<Account>,
}

/// What a key has for as long as it is in use, in however many sets.
#[derive(Debug)]
struct Account {
    counters: Counters,
    revoked: watch::Sender<bool>,
    /// Whether a peer that omits forward secrecy has been seen.
    without_forward_secrecy: AtomicBool,
}

impl Key {
    fn new(name: Option<KeyName>) -> Self {
        let account = Account {
            counters: Counters::default(),
            revoked: watch::Sender::new(false),
            without_forward_secrecy: AtomicBool::new(false),
        };
        Self { name, account: Arc::new(account) }
    }

    /// A key that is no longer in use.
    pub(crate) fn former(name: Option<KeyName>) -> Self {
        let key = Self::new(name);
        key.account.revoked.send_replace(true);
        key
    }

    /// Its name; `None` if it is the only key.
    #[must_use]
    pub fn name(&self) -> Option<&KeyName> {
        self.name.as_ref()
    }

    /// Whether both are the same key, whatever their names.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.account, &other.account)
    }

    /// The counters of its connections.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.account.counters
    }

    /// Records a peer with this key that omits forward secrecy. Returns whether it is
    /// the first one.
    #[must_use]
    pub fn is_first_without_forward_secrecy(&self) -> bool {
        !self.account.without_forward_secrecy.swap(true, Relaxed)
    }

    /// Whether a peer with it has omitted forward secrecy.
    #[must_use]
    pub(crate) fn has_been_without_forward_secrecy(&self) -> bool {
        self.account.without_forward_secrecy.load(Relaxed)
    }

    /// Whether it is no longer in use.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        *self.account.revoked.borrow()
    }

    /// Resolves when the key is no longer in use.
    pub async fn revoked(&self) {
        // Cannot fail: the sender is in the account.
        let _ = self.account.revoked.subscribe().wait_for(|&revoked| revoked).await;
    }
}

/// Keys, sorted by their names, no two of which have the same content.
#[derive(Debug)]
pub struct KeySet {
    psks: Vec<Psk>,
    /// The keys of `psks`, in the same order.
    keys: Vec<Key>,
}

impl KeySet {
    /// The only key, which needs no name.
    pub(crate) fn of_one(psk: Psk) -> Self {
        Self { psks: vec![psk], keys: vec![Key::new(None)] }
    }

    /// A set of keys with names.
    pub(crate) fn of_named(mut named: Vec<(KeyName, Psk)>) -> Result<Self, KeySetError> {
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some(clash) = clashes(&named).next() {
            return Err(clash);
        }
        let (names, psks): (Vec<_>, _) = named.into_iter().unzip();
        Ok(Self { psks, keys: names.into_iter().map(|name| Key::new(Some(name))).collect() })
    }

    /// The secrets, for acceptors, which identify a peer's key by its index.
    #[must_use]
    pub fn psks(&self) -> &[Psk] {
        &self.psks
    }

    /// A copy of the PSK with this index; `None` if there is none. Reads all PSKs,
    /// whichever is wanted, so neither the time nor the memory accessed reveals which
    /// one a peer has. This is why it is a copy: a reference would have an address that
    /// depends on the index, and so would every later read through it.
    #[must_use]
    pub fn select(&self, index: usize) -> Option<Psk> {
        (index < self.psks.len()).then(|| {
            Psk::build(|selected| {
                for (psk, position) in self.psks.iter().zip(0_usize..) {
                    let wanted = position.ct_eq(&index);
                    for (selected, byte) in selected.iter_mut().zip(psk.expose()) {
                        selected.conditional_assign(byte, wanted);
                    }
                }
            })
        })
    }

    /// The keys of these secrets, in the same order.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The log line for keys from this source that are in use for the first time.
    #[must_use]
    pub fn in_use(&self, source: &KeySource) -> String {
        match self.names() {
            names if names.is_empty() => format!("Key in use: {source}"),
            names => format!("Keys in use: {}", names.join(", ")),
        }
    }

    /// The names of the keys; a single key may have none.
    fn names(&self) -> Vec<String> {
        self.keys.iter().filter_map(|key| Some(key.name()?.to_string())).collect()
    }

    /// The key with this content. The time reveals its position, so it is for keys that
    /// we have read, not for a peer's.
    pub(super) fn find(&self, wanted: &Psk) -> Option<&Key> {
        self.entries().find_map(|(psk, key)| psk.matches(wanted).then_some(key))
    }

    /// Takes the accounts of `former` keys over to this set, and revokes the keys that
    /// it lacks.
    pub(crate) fn succeed(&mut self, former: &Self) {
        for (psk, key) in self.psks.iter().zip(&mut self.keys) {
            if let Some(same) = former.find(psk) {
                key.account = same.account.clone();
            }
        }
        for (psk, key) in former.entries() {
            if self.find(psk).is_none() {
                key.account.revoked.send_replace(true);
            }
        }
    }

    /// The number of keys, and the changes from a `former` set.
    pub(crate) fn difference(&self, former: &Self) -> String {
        format!("{} in use{}", self.keys.len(), self.changes_from(former))
    }

    /// The changes from a `former` set.
    pub(super) fn changes_from(&self, former: &Self) -> Changes {
        let mut changes = Changes::default();
        for (psk, key) in self.entries() {
            match former.named(key.name()) {
                None => changes.added.push(key.name.clone()),
                Some(earlier) if !earlier.matches(psk) => changes.replaced.push(key.name.clone()),
                Some(_) => {}
            }
        }
        let gone = former.keys.iter().filter(|key| self.named(key.name()).is_none());
        changes.removed = gone.map(|key| key.name.clone()).collect();
        changes
    }

    fn named(&self, name: Option<&KeyName>) -> Option<&Psk> {
        self.entries().find_map(|(psk, key)| (key.name() == name).then_some(psk))
    }

    fn entries(&self) -> impl Iterator<Item = (&Psk, &Key)> {
        self.psks.iter().zip(&self.keys)
    }
}

/// The keys among these, sorted by name, that have the same name or content.
pub(super) fn clashes(named: &[(KeyName, Psk)]) -> impl Iterator<Item = KeySetError> {
    named.iter().enumerate().filter_map(|(index, (name, psk))| {
        named[..index].iter().find_map(|(earlier_name, earlier)| {
            if earlier_name == name {
                Some(KeySetError::SameName(name.clone()))
            } else if earlier.matches(psk) {
                Some(KeySetError::SameContent(earlier_name.clone(), name.clone()))
            } else {
                None
            }
        })
    })
}

/// The differences between two sets, as names.
#[derive(Debug, Default)]
pub(super) struct Changes {
    added: Vec<Option<KeyName>>,
    removed: Vec<Option<KeyName>>,
    /// Names whose key has changed.
    replaced: Vec<Option<KeyName>>,
}

impl Changes {
    pub(super) fn are_none(&self) -> bool {
        let Self { added, removed, replaced } = self;
        [added, removed, replaced].into_iter().all(Vec::is_empty)
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds =
            [("added", &self.added), ("removed", &self.removed), ("replaced", &self.replaced)];
        let mut unchanged = true;
        for (word, names) in kinds {
            for (index, name) in names.iter().enumerate() {
                unchanged = false;
                f.write_str(&if index == 0 { format!("; {word}: ") } else { ", ".to_owned() })?;
                match name {
                    Some(name) => name.fmt(f)?,
                    None => f.write_str("the key without a name")?,
                }
            }
        }
        if unchanged { f.write_str("; none is new") } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_name() {
        let set = set(&[("b", 2), ("a", 1), ("c", 3)]);
        let names: Vec<_> = set.keys().iter().map(|key| key.name().unwrap().to_string()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(set.psks()[1].expose(), &[2; 32]);
        assert_eq!(set.find(&Psk::copy_of(&[3; 32])).unwrap().name(), set.keys()[2].name());
        assert!(set.find(&Psk::copy_of(&[4; 32])).is_none());
    }

    #[test]
    fn each_key_can_be_selected_and_none_beyond() {
        let set = set(&[("a", 1), ("b", 2), ("c", 3)]);
        for (index, psk) in set.psks().iter().enumerate() {
            assert!(set.select(index).unwrap().matches(psk));
        }
        assert!(set.select(3).is_none());
        assert!(set.select(usize::MAX).is_none());
    }

    #[test]
    fn equal_content_is_refused_with_both_names() {
        let error = KeySet::of_named(named(&[("b", 1), ("c", 2), ("a", 1)])).unwrap_err();
        assert!(error.to_string().contains("Keys a and b have the same content:"), "{error}");
    }

    #[test]
    fn equal_names_are_refused() {
        let error = KeySet::of_named(named(&[("a", 1), ("a", 2)])).unwrap_err();
        assert!(error.to_string().contains("Two keys have the name a:"), "{error}");
    }

    #[test]
    fn successor_keeps_accounts_by_content_and_revokes_the_rest() {
        let former = set(&[("a", 1), ("b", 2)]);
        let mut next = set(&[("renamed", 1), ("b", 3)]);
        next.succeed(&former);
        let same = |one: &Key, other: &Key| Arc::ptr_eq(&one.account, &other.account);
        assert!(same(&former.keys[0], next.find(&former.psks[0]).unwrap()));
        assert!(!same(&former.keys[1], &next.keys[0]));
        let revoked: Vec<_> = former.keys.iter().map(|key| *key.account.revoked.borrow()).collect();
        assert_eq!(revoked, [false, true]);
    }

    #[test]
    fn changes_are_told_by_name() {
        let former = set(&[("a", 1), ("b", 2), ("c", 3)]);
        let changes = |next: &[(&str, u8)]| set(next).changes_from(&former).to_string();
        assert_eq!(
            changes(&[("a", 1), ("b", 4), ("d", 3), ("e", 5)]),
            "; added: d, e; removed: c; replaced: b"
        );
        assert_eq!(changes(&[("c", 3), ("b", 2), ("a", 1)]), "; none is new");
        let one = |byte| KeySet::of_one(Psk::copy_of(&[byte; 32]));
        let text = one(2).changes_from(&one(1)).to_string();
        assert_eq!(text, "; replaced: the key without a name");
    }

    fn set(keys: &[(&str, u8)]) -> KeySet {
        KeySet::of_named(named(keys)).unwrap()
    }

    fn named(keys: &[(&str, u8)]) -> Vec<(KeyName, Psk)> {
        let key =
            |&(name, byte): &(&str, u8)| (KeyName::new(name.as_ref()), Psk::copy_of(&[byte; 32]));
        keys.iter().map(key).collect()
    }
}
