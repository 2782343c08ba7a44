//! What lives as long as a pipe is configured.

pub mod listener;
