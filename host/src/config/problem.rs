//! What is wrong with what was said.

use std::fmt;

use super::options::{Key, in_file};
use crate::net::address::{Address, AddressError};
use crate::process::privileges::PrivilegeError;

/// Something that cannot be done as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem<P> {
    /// What it is about.
    pub(crate) key: Key,
    /// Where it was said; `None` if the trouble is that it was not.
    pub(crate) place: Option<P>,
    /// What is wrong.
    pub(crate) wrong: Wrong,
}

/// What is wrong, as a file is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing works without.
    Missing,
    /// It means nothing for a pipe that encrypts.
    OnlyDecrypt,
    /// It means nothing without a Unix source.
    OnlyUnixSource,
    /// `-R` with a period.
    ResolveOnce,
    /// Weak forward secrecy with a key exchange that has it.
    OmitWithX25519,
    /// Times of probes that are off.
    NoKeepAlive,
    /// A client would not know which key to use.
    SeveralKeys,
    /// Not a number.
    NotATime(String),
    /// A number that is too small or too large.
    OutOfRange {
        /// As it was said.
        value: String,
        /// What it can be.
        range: &'static str,
    },
    /// Not an address.
    Address(AddressError),
    /// Not for everybody to see.
    MetricsAddress(Address),
    /// Not a user or a group.
    Identity(PrivilegeError),
}

impl<P> fmt::Display for Problem<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key;
        match &self.wrong {
            Wrong::Missing => {
                let kind = in_file(key).map_or_else(String::new, |option| option.kind.in_file());
                write!(f, "{key} is missing: write {key} = {kind}")
            }
            Wrong::OnlyDecrypt => {
                write!(f, "{key} is only for mode = \"decrypt\": leave it out")
            }
            Wrong::OnlyUnixSource => {
                write!(
                    f,
                    "{key} is only for a source that is the path of a Unix socket: leave it out"
                )
            }
            Wrong::ResolveOnce => write!(
                f,
                "{key} contradicts resolve-period: leave out one of \
                them"
            ),
            Wrong::OmitWithX25519 => write!(
                f,
                "omit-forward-secrecy contradicts kex = \"x25519\", which has forward secrecy: \
                 leave out one of them"
            ),
            Wrong::NoKeepAlive => {
                write!(f, "{key} contradicts keep-alive = false: leave out one of them")
            }
            Wrong::SeveralKeys => {
                write!(
                    f,
                    "{key} names several keys, but a pipe that encrypts uses one: name one file"
                )
            }
            Wrong::NotATime(value) => write!(
                f,
                "{key} is not a time: {value} (write 5s, 1m30s or \
                never)"
            ),
            Wrong::OutOfRange { value, range } => {
                write!(f, "{key} is out of range: {value} (write {range})")
            }
            Wrong::Address(fault) => write!(f, "{key}: {fault}"),
            Wrong::MetricsAddress(address) => write!(
                f,
                "{key} is for this host only: {address} (write [127.0.0.1]:PORT, [::1]:PORT or the \
                 path of a socket)"
            ),
            Wrong::Identity(fault) => write!(f, "{key}: {fault}"),
        }
    }
}
