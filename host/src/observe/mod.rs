//! What can be seen from outside: the log.

pub mod log;
pub mod rate;
