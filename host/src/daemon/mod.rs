//! What lives as long as the process: the start, and what signals ask for.

mod capacity;
mod endings;
mod exposure;
mod helper;
mod signals;
pub mod startup;
mod terminal;
mod threads;
