//! The host of the spiped protocol component: everything that touches the
//! world. The protocol itself runs in a sandbox, see `wit/pipe.wit`.
//!
//! Rooms by lifetime: [`daemon`] lives as long as the process, a `pipe` as
//! long as it is configured, a [`connection`] as long as its sockets. [`guest`]
//! is the sandbox, [`spipe`] the program for a single connection.

#![deny(unsafe_code)]

pub mod cli;
pub mod commands;
mod config;
pub mod connection;
mod control;
pub mod daemon;
pub mod guest;
pub mod handover;
pub mod keys;
pub mod net;
pub mod observe;
pub mod packet_crypto;
mod pipe;
pub mod process;
pub mod spipe;

/// For fuzz targets only.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::config::write::settings_survive;
    pub use crate::connection::arriving::line_arrives;
}
