//! The process as the system sees it: background, identity, limits, service
//! manager.

pub mod daemonize;
pub mod limits;
pub mod notify;
pub mod privileges;
pub mod wipe;
