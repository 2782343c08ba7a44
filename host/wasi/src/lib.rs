//! spiped and spipe as one program for WASI 0.2: the shell around the protocol,
//! which is composed with the portable component.
//!
//! `settings` is what was asked for, and is tested where it is built. The rest
//! is the program, which only WASI has the means for: `runtime` waits, `net`
//! are the streams, `pipe` and `spipe` are what runs.

#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod handshake;
#[cfg(target_family = "wasm")]
mod keys;
#[cfg(target_family = "wasm")]
mod log;
#[cfg(target_family = "wasm")]
mod net;
#[cfg(target_family = "wasm")]
mod pipe;
#[cfg(target_family = "wasm")]
mod program;
#[cfg(target_family = "wasm")]
mod relay;
#[cfg(target_family = "wasm")]
mod runtime;
pub mod settings;
#[cfg(target_family = "wasm")]
mod spipe;
#[cfg(target_family = "wasm")]
mod words;
