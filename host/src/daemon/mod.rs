//! What lives as long as the process: the start, and what signals ask for.

mod capacity;
mod endings;
mod exposure;
pub mod helper;
pub mod signals;
pub mod startup;
pub mod terminal;
mod threads;
