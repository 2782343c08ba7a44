//! The keys in use: where they come from, what they are called, and how the
//! set of them is replaced while the program runs.

mod directory;
mod doubt;
mod error;
mod examine;
pub mod file;
pub(crate) mod fingerprint;
mod keyring;
mod name;
mod set;
mod source;
pub(crate) mod strength;

pub use doubt::{Doubt, KeyRules};
pub use error::KeySetError;
pub(crate) use examine::{Examination, ExaminedFile};
pub use keyring::Keyring;
pub use name::KeyName;
pub(crate) use set::KEYS_MAX;
pub use set::{Key, KeySet};
pub use source::{KeySource, Loaded, NamedFile};

use std::num::NonZeroUsize;

/// What holding an accepted key does not suffice for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// How many connections one key may have at once; `None`: any number.
    pub connections_per_key: Option<NonZeroUsize>,
    /// Connections end when their key is no longer in use.
    pub close_revoked: bool,
}
