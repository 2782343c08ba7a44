//! What lives as long as the process: the start, and what signals ask for.

pub mod signals;
pub mod startup;
