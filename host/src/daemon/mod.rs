//! What lives as long as the process: the start, and what signals ask for.

mod capacity;
mod control;
mod endings;
pub(crate) mod exposure;
mod helper;
mod metrics;
mod observers;
mod overview;
pub(crate) mod pipes;
mod signals;
pub mod startup;
pub(crate) mod supervisor;
mod terminal;
mod threads;
