//! Harness for black-box tests of the built `spiped` and `spipe`.
//!
//! The programs run as children, as an administrator would run them; nothing
//! here links them. What is under test is found through the environment:
//!
//! - `SPIPED_BIN_DIR`: our programs, default `target/release` of the workspace;
//! - `SPIPED_PEER_DIR`: Debian's `spiped` and `spipe`, default `/usr/bin`.
//!
//! A [`Machine`] gets the package that `make deb` has made.
//!
//! A test starts with a [`Lab`], which owns its directory and addresses, then
//! a [`Backend`] to be the target, then one or two daemons
//! ([`Spiped`], [`Pair`]), and talks through a [`Conn`] or a [`Link`]. All of
//! them clean up on drop, and a child shows what it printed if the test fails.
//! Nothing waits for a fixed time: see [`wait`].
//!
//! [`wire`] speaks the protocol itself, so that a test can speak it wrongly.
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    reason = "a test harness reports by panicking"
)]

mod backend;
mod background;
mod bash;
mod black_hole;
pub mod book;
mod by_hand;
mod configured;
mod conn;
mod crowd;
mod crowded;
mod endpoint;
pub mod exchange;
pub mod foreign;
mod hosts;
mod lab;
mod link;
pub mod machine;
pub mod memory;
mod network;
mod newcomer;
pub mod packaged;
mod pair;
pub mod payload;
mod process;
pub mod procfs;
mod program;
mod redis;
mod shell;
mod spipe;
mod spiped;
mod steps;
mod terminal;
pub mod traffic;
mod upgradable;
pub mod wait;
pub mod walkthrough;
pub mod wire;

pub use backend::Backend;
pub use background::Background;
pub use black_hole::BlackHole;
pub use by_hand::{AgainstClient, AgainstServer};
pub use configured::{Configured, pipe};
pub use conn::{Conn, Ending};
pub use crowd::{Crowd, Manner};
pub use crowded::Crowded;
pub use endpoint::Endpoint;
pub use foreign::Foreign;
pub use hosts::Hosts;
pub use lab::{KEY, Lab, OTHER_KEY, key_called};
pub use link::Link;
pub use machine::{Machine, System};
pub use network::{Host, Namespace, Switch};
pub use newcomer::Newcomer;
pub use pair::{Client, LineUp, Pair};
pub use process::{Exit, Process};
pub use program::{Origin, Program};
pub use redis::Redis;
pub use shell::Shell;
pub use spipe::{RunningSpipe, Spipe};
pub use spiped::{Daemon, Mode, Spiped};
pub use steps::Steps;
pub use terminal::Terminal;
pub use upgradable::{Upgradable, built, edition};
