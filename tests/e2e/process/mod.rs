//! Start, stop, and what is left behind.

mod abstract_sockets;
mod activation;
mod daemonize;
mod deaths;
mod init;
mod keys;
mod progress;
mod signals;
mod spipe;
mod streams;
mod unix_sources;
mod waiting_for_dns;
mod watchdog;
