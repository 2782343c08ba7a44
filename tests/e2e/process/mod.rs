//! Start, stop, and what is left behind.

mod daemonize;
mod deaths;
mod init;
mod keys;
mod signals;
mod spipe;
mod streams;
mod unix_sources;
mod waiting_for_dns;
