//! The progress of an exchange.

use alloc::string::String;

/// The progress of an exchange that has not failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The peer's first message is not complete yet.
    Waiting,
    /// The peer speaks this protocol; more of its bytes are needed.
    Exchanging,
    /// The string for the user to compare: call
    /// [`Exchange::confirm`](super::Exchange::confirm) if both ends show the same,
    /// otherwise [`Exchange::reject`](super::Exchange::reject).
    Comparing(String),
    /// This end has confirmed; the peer has not confirmed yet.
    Confirmed,
    /// Both ends have confirmed: call
    /// [`Exchange::take_key`](super::Exchange::take_key).
    Agreed,
}
