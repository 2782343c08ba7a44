//! The synthetic cases: made of fixed random bytes, so that making them again
//! gives the same bytes.
//!
//! They are made with the native crate, against itself or against a peer that
//! does wrong.

mod acceptor;
mod ends;
mod handshake;
mod key_shares;
mod misuse;
mod packets;
mod party;
mod state;
mod suspended;
mod x25519;

use std::fmt;

use crate::transcript::Transcript;

/// One case.
pub struct Case {
    /// The file's name without its extension.
    pub name: String,
    /// What it shows, as a sentence.
    pub about: String,
    /// What happens.
    pub transcript: Transcript,
}

/// Displays as the file's content.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}\n\n{}", self.about, self.transcript)
    }
}

/// Makes all cases.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(acceptor::cases());
    cases.extend(handshake::cases());
    cases.extend(key_shares::cases());
    cases.extend(packets::cases());
    cases.extend(ends::cases());
    cases.extend(suspended::cases());
    cases.extend(misuse::cases());
    cases.extend(x25519::cases());
    cases
}
