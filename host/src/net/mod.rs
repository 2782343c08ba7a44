//! Sockets, without any protocol: resolving, listening, dialing.

mod accepted;
pub mod address;
pub(crate) mod dial;
pub(crate) mod listen;
pub(crate) mod look_ups;
pub(crate) mod needs;
pub mod proxy;
pub(crate) mod readable;
pub mod resolve;
pub mod socket;
pub(crate) mod stream;
pub mod targets;
