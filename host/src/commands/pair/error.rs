//! Why a pairing made no key, and what to do about it.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::commands::pair::code::CodeFault;
use crate::guest::EngineError;
use crate::guest::pairing::{Failure, GuestError, PeerFault, ProtocolFailure};
use crate::net::dial::DialError;
use crate::net::resolve::{Endpoint, ResolveError};

/// Why a pairing made no key.
#[derive(Debug, Error)]
pub(super) enum PairError {
    #[error("There is no code on standard input: write it as the first line")]
    NoCode,
    #[error(transparent)]
    Code(#[from] CodeFault),
    #[error("Cannot get random bytes: {0}")]
    Entropy(getrandom::Error),
    #[error("There is no answer on standard input: in scripts, use --code -")]
    NoAnswer,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Guest(#[from] GuestError),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("Error binding socket: {0}")]
    Listen(Endpoint, #[source] io::Error),
    #[error("Could not connect: {0} (is spiped pair --listen running there?)")]
    Dial(DialError),
    #[error(
        "{0} connections came from programs other than spiped pair: use another port, or a \
        firewall"
    )]
    Strangers(usize),
    #[error("Connection lost: see the message on the other host, and pair again")]
    Socket(#[from] io::Error),
    #[error("Pairing failed: {failure}{}", remedy(failure))]
    Exchange { failure: Failure },
    #[error(
        "Pairing stopped: the screens have to show the same. If they do not, there is a man in \
         the middle: try another network"
    )]
    Declined,
    #[error("Pairing timed out after {} s: start it on both hosts again, with a longer -o if \
        needed", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("Pairing interrupted")]
    Interrupted,
}

impl From<Failure> for PairError {
    fn from(failure: Failure) -> Self {
        Self::Exchange { failure }
    }
}

/// What to do about a failure.
fn remedy(failure: &Failure) -> &'static str {
    let Failure::Protocol(ProtocolFailure::Peer(fault)) = failure else {
        return "";
    };
    match fault {
        PeerFault::NotPairing => " (is this the address of spiped pair --listen?)",
        PeerFault::SameSide => " (run --listen on one host and --connect on the other)",
        PeerFault::OtherMode => " (use a code on both hosts, or on neither)",
        PeerFault::BadCommitment | PeerFault::BadPublicValue | PeerFault::Surplus => {
            ": there may be a man in the middle: try another network"
        }
        PeerFault::WrongConfirmation => {
            ": the codes differ, or an attacker has guessed: pair again with a new code"
        }
        PeerFault::Truncated => ": see the message on the other host",
    }
}
