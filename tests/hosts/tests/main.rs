//! The portable component in hosts that are not ours, each against Debian's
//! spiped as the server and as the client.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod browser;
mod composed;
mod fuel;
mod interop_embedded;
mod interop_node;
mod interop_python;
mod node;
mod packages;
mod python;
mod wasi;
