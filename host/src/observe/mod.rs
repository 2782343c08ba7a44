//! What can be seen from outside: the log, and the counters in it.

pub mod counters;
pub mod log;
pub mod rate;
