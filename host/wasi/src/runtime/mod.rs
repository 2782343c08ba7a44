//! Many things at once in one thread: tasks that wait for pollables and times.
//!
//! WASI 0.2 has one way to wait, `poll` with a list. A task waits by leaving
//! its pollable here; whenever none can run, all that was left is polled.

mod combine;
mod reactor;
mod signal;
mod slab;

pub(crate) use combine::{Either, both, either, pinned};
pub(crate) use reactor::{Reactor, Runtime, after};
pub(crate) use signal::Signal;
