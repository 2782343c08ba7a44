//! A component that imports the protocol: see `consumer.wit`. Composed with
//! the portable component, it imports nothing.
//!
//! There is nothing in it for other targets than wasm.

#![no_std]
#![deny(unsafe_code)]

#[cfg(target_family = "wasm")]
mod guest;
