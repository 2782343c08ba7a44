//! The component: equal in every build, and a sandbox that holds.
//!
//! Tests whose path begins with `interop::` need Debian's `spiped`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod backend_memory;
#[allow(dead_code, reason = "the tests map the initial data of all their instances")]
#[path = "../../../host/src/guest/engine_config.rs"]
mod engine_config;
mod imports;
mod interop;
mod misbehaving;
mod misbehaving_pairing;
mod packets;
mod pairing;
mod same_everywhere;
mod transcripts;
