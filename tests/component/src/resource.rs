//! An acceptor or a session in any build: what it is made of, its calls, their
//! answers.

use std::fmt::Debug;

use spiped_core::{ClientConfig, ServerConfig};

/// What an acceptor or a session is made of. Lengths are not checked here:
/// that is the component's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingredients {
    /// `session.connect`
    Connect {
        /// Key exchange, forward secrecy.
        config: ClientConfig,
        /// The pre-shared key.
        psk: Vec<u8>,
        /// Nonce and exponent.
        entropy: Vec<u8>,
    },
    /// `acceptor.constructor`
    Acceptor {
        /// What is accepted.
        config: ServerConfig,
        /// Whose bearers are.
        psks: Vec<Vec<u8>>,
        /// What this acceptor's one stranger was sent: an argument of all its
        /// calls.
        our_nonce: Vec<u8>,
    },
    /// `session.accept`
    Accept {
        /// The acceptor's.
        config: ServerConfig,
        /// The acceptor's.
        our_nonce: Vec<u8>,
        /// Nonce and key share of the client.
        hello: Vec<u8>,
        /// The one key that the client has.
        psk: Vec<u8>,
        /// The exponent.
        entropy: Vec<u8>,
    },
    /// `session.resume`
    Resume {
        /// A suspended session's state.
        state: Vec<u8>,
    },
}

/// A call on an acceptor or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `identify`: these bytes have come after those before.
    Identify(Vec<u8>),
    /// `fault-at-eof`
    FaultAtEof,
    /// `start`
    Start,
    /// `compute`
    Compute,
    /// `handle-crypt`
    Crypt(Vec<u8>),
    /// `handle-plain`
    Plain(Vec<u8>),
    /// `crypt-eof`
    CryptEof,
    /// `plain-eof`
    PlainEof,
    /// `psk-id`
    PskId,
    /// `suspend`
    Suspend,
}

/// What a call answered, or the making of a resource, in any build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Bytes for the application.
    pub to_plain: Vec<u8>,
    /// The rest of the answer, in the interface's own [`words`].
    pub words: String,
    /// What the words introduce: a state, or a key's id.
    pub bytes: Option<Vec<u8>>,
}

/// The status in which there is something to compute.
pub const WANTS_COMPUTE: &str = "wants-compute";
/// The status in which both directions are open.
pub const ESTABLISHED: &str = "established";
impl Answer {
    /// An answer of words alone.
    pub(crate) fn of(value: &impl Debug) -> Self {
        Self { words: words(value), ..Self::default() }
    }

    /// `fault-at-eof`'s.
    pub(crate) fn fault(fault: &impl Debug) -> Self {
        Self { words: format!("fault {}", words(fault)), ..Self::default() }
    }

    /// `psk-id`'s.
    pub(crate) fn psk_id(id: Option<Vec<u8>>) -> Self {
        let words = if id.is_some() { "psk-id" } else { "none" };
        Self { words: words.into(), bytes: id, ..Self::default() }
    }

    /// `suspend`'s.
    pub(crate) fn state(state: Result<Vec<u8>, impl Debug>) -> Self {
        match state {
            Ok(state) => Self { words: "state".into(), bytes: Some(state), ..Self::default() },
            Err(failure) => Self::failed(&failure),
        }
    }

    /// A misuse or a failure.
    pub(crate) fn failed(failure: &impl Debug) -> Self {
        Self { words: failed(failure), ..Self::default() }
    }

    /// Whether this end is over: it has failed, or the stranger is refused.
    #[must_use]
    pub fn is_final(&self) -> bool {
        ["failed ", "refused ", "fault "].iter().any(|word| self.words.starts_with(word))
    }

    /// For a stranger that has authenticated: the index of its key, and the
    /// length of its hello.
    #[must_use]
    pub fn authenticated(&self) -> Option<(usize, usize)> {
        let mut words = self.words.strip_prefix("authenticated ")?.split(' ');
        let index = words.next()?.parse().ok()?;
        let length = words.nth(1)?.parse().ok()?;
        Some((index, length))
    }
}

/// The words for a failure, as those of a status.
pub(crate) fn failed(failure: &impl Debug) -> String {
    format!("failed {}", words(failure))
}

/// The interface's own words for a value of any of its variants, enums or
/// records: the cases' names and the numbers, in order. The crate's types and
/// those generated from the interface show themselves alike, but for the names
/// of types and fields.
///
/// One function in place of a list for each build: the names in the
/// transcripts are checked against the interface by a test.
pub fn words(value: &impl Debug) -> String {
    let shown = name_errors(&format!("{value:?}"));
    let mut words: Vec<String> = Vec::new();
    for word in shown.split(['(', ')', '{', '}', ',', '"', ' ']) {
        // Of `Type::Case`, the case.
        let word = word.rsplit("::").next().unwrap_or_default();
        let field = word.ends_with(':');
        let word = kebab_case(word);
        // A case that holds the record of its name is named once.
        let again = words.last() == Some(&word) && word.parse::<u64>().is_err();
        if !(field || word.is_empty() || again) {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Enums that are errors in the interface show themselves with their
/// documentation: `Misuse { code: 6, name: "start-order", message: "..." }`. Of
/// that, the name is left.
fn name_errors(shown: &str) -> String {
    let Some((before, rest)) = shown.split_once("{ code: ") else { return shown.into() };
    let name = rest.split('"').nth(1).unwrap_or_default();
    let after = rest.split_once("\" }").map_or("", |(_, after)| after);
    format!("{before}{name}{}", name_errors(after))
}

fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for (at, char) in name.char_indices() {
        if char.is_ascii_uppercase() && at > 0 {
            kebab.push('-');
        }
        kebab.push(char.to_ascii_lowercase());
    }
    kebab
}

/// An acceptor in some build.
pub trait Acceptor {
    /// `identify`
    fn identify(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer;

    /// `fault-at-eof`
    fn fault_at_eof(&mut self, our_nonce: &[u8], received: &[u8]) -> Answer;
}

/// A session in some build.
pub trait Session {
    /// Makes one call; not one of an acceptor's.
    fn call(&mut self, call: &Call) -> Answer;
}

/// Either of them, for one connection.
pub enum Resource {
    /// With a stranger.
    Acceptor {
        /// Who decides.
        acceptor: Box<dyn Acceptor>,
        /// What was sent to the stranger.
        our_nonce: Vec<u8>,
        /// All that has come from it.
        received: Vec<u8>,
    },
    /// With a peer.
    Session(Box<dyn Session>),
}

impl Resource {
    /// Makes one call.
    pub fn call(&mut self, call: &Call) -> Answer {
        match (self, call) {
            (Self::Acceptor { acceptor, our_nonce, received }, Call::Identify(bytes)) => {
                received.extend_from_slice(bytes);
                acceptor.identify(our_nonce, received)
            }
            (Self::Acceptor { acceptor, our_nonce, received }, Call::FaultAtEof) => {
                acceptor.fault_at_eof(our_nonce, received)
            }
            (Self::Acceptor { .. }, call) => panic!("not a call of an acceptor: {call:?}"),
            (Self::Session(session), call) => session.call(call),
        }
    }
}

/// A resource, or why it was not made.
pub type Made = Result<Resource, Answer>;

/// What is said of it.
pub(crate) fn said(made: &Made) -> Answer {
    match made {
        Ok(_) => Answer { words: "made".into(), ..Answer::default() },
        Err(answer) => answer.clone(),
    }
}

/// Where resources are made.
pub trait Build {
    /// Makes one. `None` if the build cannot even say this: its types have the
    /// right lengths.
    fn make(&self, ingredients: &Ingredients) -> Option<Made>;
}

#[cfg(test)]
mod tests {
    use spiped::guest::BadLength;
    use spiped_core as core;

    use super::*;
    use crate::builds::generated::{Failure, Misuse, PeerFault};

    #[test]
    fn words_are_cases_and_numbers_whosever_types_they_are() {
        let bad_length = BadLength { packet_number: 1, length: 1 };
        for (generated, native, expected) in [
            (
                Failure::Peer(PeerFault::ForgedPacket(7)),
                core::Error::from(core::PeerFault::ForgedPacket { number: 7 }),
                "peer forged-packet 7",
            ),
            (
                Failure::Peer(PeerFault::BadLength(bad_length)),
                core::PeerFault::BadLength { number: 1, length: 1 }.into(),
                "peer bad-length 1 1",
            ),
            (
                Failure::Misuse(Misuse::StartOrder),
                core::Misuse::StartOrder.into(),
                "misuse start-order",
            ),
            (Failure::Exhausted, core::Error::Exhausted, "exhausted"),
        ] {
            assert_eq!([words(&generated), words(&native)], [expected; 2]);
        }
        assert_eq!(failed(&core::Error::Exhausted), "failed exhausted");
    }
}
