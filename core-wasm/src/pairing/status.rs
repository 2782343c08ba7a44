//! Where an exchange stands.

use alloc::string::String;

/// Where an exchange stands, unless it has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// No complete first message of the peer has come yet.
    Waiting,
    /// The peer speaks this protocol; more of its bytes are needed.
    Exchanging,
    /// This is for the user to compare: call
    /// [`Exchange::confirm`](super::Exchange::confirm) if the other end shows
    /// the same, [`Exchange::reject`](super::Exchange::reject) if not.
    Comparing(String),
    /// We have confirmed; the peer has not yet.
    Confirmed,
    /// Both have confirmed:
    /// [`Exchange::take_key`](super::Exchange::take_key).
    Agreed,
}
