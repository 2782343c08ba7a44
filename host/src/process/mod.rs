//! The process as the system sees it: background, identity, limits, memory,
//! service manager.

pub mod allocator;
pub mod compute;
pub mod daemonize;
pub mod dumps;
pub mod limits;
pub mod memory;
pub mod notify;
pub mod privileges;
pub mod sandbox;
pub mod secrets;
pub mod streams;
pub mod wipe;
pub mod workers;
