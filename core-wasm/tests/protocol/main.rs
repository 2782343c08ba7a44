//! The protocol through its public interface.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod acceptor;
mod chunking;
mod misuse;
mod pair;
mod peer_faults;
mod suspended;
mod vectors;
mod x25519;
