//! The process as the system sees it: background, identity, limits, memory,
//! service manager.

pub mod allocator;
pub mod compute;
pub(crate) mod daemonize;
pub(crate) mod dumps;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod notify;
pub(crate) mod pid_file;
pub(crate) mod privileges;
pub(crate) mod resources;
pub(crate) mod sandbox;
pub(crate) mod secrets;
pub mod streams;
pub(crate) mod text_files;
pub mod wipe;
pub(crate) mod workers;
