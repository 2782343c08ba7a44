//! What was said, on a command line or in a file, before anything is made of
//! it.

use std::ffi::OsString;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;

use super::options::{Key, Opt};
use super::settings::Mode;
use crate::guest::{ForwardSecrecy, KeyExchange};
use crate::keys::NamedFile;
use crate::net::proxy::ProxyVersion;
use crate::net::targets::Balance;
use crate::observe::Format;

/// What was said about one option. What could be wrong about addresses, paths
/// and users is looked at later: what is missing matters more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Whether.
    Flag(bool),
    /// Which side is encrypted.
    Mode(Mode),
    /// Forward secrecy.
    Strength(ForwardSecrecy),
    /// A number of things or bytes.
    Number(u64),
    /// The mode of a file.
    FileMode(u32),
    /// Seconds as upstream takes them: 0 is the default.
    Seconds(f64),
    /// A time as people write it; `None`: never.
    Time(Option<Duration>),
    /// An address, a path, or a user.
    Text(OsString),
    /// Addresses.
    Texts(Vec<OsString>),
    /// Networks.
    Networks(Vec<IpNet>),
    /// Key files with names, in a table.
    Named(Vec<NamedFile>),
    /// A key exchange.
    KeyExchange(KeyExchange),
    /// A level of the log.
    LogLevel(LevelFilter),
    /// A form of the log.
    LogFormat(Format),
    /// Which of several targets.
    Balance(Balance),
    /// A version of the PROXY protocol.
    ProxyVersion(ProxyVersion),
}

/// One thing that was said, and where.
#[derive(Clone, Debug)]
pub(crate) struct Said<P> {
    /// By which option.
    pub(crate) option: &'static Opt,
    /// What.
    pub(crate) value: Value,
    /// The place in a file, or the option as it was typed.
    pub(crate) place: P,
}

/// All that was said in one place: about each key once.
#[derive(Clone, Debug)]
pub(crate) struct Given<P> {
    said: Vec<Said<P>>,
    /// What was said in a way that cannot be understood: it is not missing.
    garbled: Vec<Key>,
}

impl<P> Default for Given<P> {
    fn default() -> Self {
        Self { said: Vec::new(), garbled: Vec::new() }
    }
}

impl<P> Extend<Said<P>> for Given<P> {
    fn extend<I: IntoIterator<Item = Said<P>>>(&mut self, said: I) {
        self.said.extend(said);
    }
}

impl<P> Given<P> {
    /// What was said about this.
    pub(crate) fn get(&self, key: Key) -> Option<&Said<P>> {
        self.said.iter().find(|said| said.option.key == key)
    }

    /// The same, to add to it.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Said<P>> {
        self.said.iter_mut().find(|said| said.option.key == key)
    }

    /// All of it, in the order it was said.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Said<P>> {
        self.said.iter()
    }

    /// Adds something about which nothing has been said.
    pub(crate) fn push(&mut self, said: Said<P>) {
        self.said.push(said);
    }

    /// Notes that something was said about this.
    pub(crate) fn garble(&mut self, key: Key) {
        self.garbled.push(key);
    }

    /// Whether something was said that cannot be understood.
    pub(crate) fn is_garbled(&self, key: Key) -> bool {
        self.garbled.contains(&key)
    }

    /// Adds all that is not said yet.
    pub(crate) fn append(&mut self, other: Self) {
        self.said.extend(other.said);
        self.garbled.extend(other.garbled);
    }

    /// Takes away what was said about this.
    pub(crate) fn take(&mut self, key: Key) -> Option<Said<P>> {
        let at = self.said.iter().position(|said| said.option.key == key)?;
        Some(self.said.remove(at))
    }
}
