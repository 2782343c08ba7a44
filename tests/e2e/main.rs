//! Black-box tests of `spiped` and `spipe`, one module for each question.
//!
//! Tests whose path begins with `interop::` need Debian's `spiped`, those that
//! begin with `redis::` need Redis, those with `root::` or `security::memory::`
//! need root, those with `hosts::`, `log::fields::` or `syslog` need `unshare`,
//! and those with `first_hour::` or `systemd::` need root, `systemd-nspawn` and
//! the package that `make deb` makes. Where these are missing they fail; select
//! by name what to leave out.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

// Every scenario, for combinations of programs.
mod combinations;
// Two of our ends behind a load balancer.
mod balancing;

// `spiped check`.
mod check;
// The command line: what is refused, in which words, on which stream.
mod cli;
// README.md and docs/redis.md, as a new user follows them.
mod first_hour;
// Bytes, ends and resets through our two ends, over every kind of socket.
mod flow;
// What people look up while they type: completions and manual pages.
mod help;
// Names that change or have several addresses.
mod hosts;
// Our programs with Debian's.
mod interop;
// Several keys, and keys that change.
mod keys;
// -n, -o, file descriptors, and connections that get in each other's way.
mod limits;
// The log: its words, its form, and that nobody waits for its reader.
mod log;
// Making keys and moving them: keygen, fingerprint, pair.
mod pairing;
// What the program can say, and the page that explains it.
mod messages;
// Units and whatever else is installed beside the programs.
mod packaging;
// Start, stop, daemonizing, pid files, Unix sockets.
mod process;
// Other services, and what they are used with.
mod recipes;
// A real service behind the pipe.
mod redis;
// Two hosts that replicate to each other.
mod replication;
// Many pipes from one file, and files that change while the daemon runs.
mod reload;
// What an administrator sees: status, list, metrics, and what they change.
mod seeing;
// Changing user and group.
mod root;
// What anybody can do to the encrypted port, and what a key holder can.
mod security;
// The client between standard input and output.
mod spipe;
// The units under a real systemd.
mod systemd;
// A new program under live connections.
mod upgrade;
