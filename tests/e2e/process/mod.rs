//! Start, stop, and what is left behind.

mod daemonize;
mod deaths;
mod keys;
mod signals;
mod unix_sources;
mod waiting_for_dns;
