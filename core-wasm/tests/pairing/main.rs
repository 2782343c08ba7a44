//! Pairing through its public interface.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod attacker;
mod chunking;
mod confirming;
mod misuse;
mod parties;
mod peer_faults;
mod vectors;
