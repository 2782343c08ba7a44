//! Sockets without protocol: resolving, listening, dialling.

pub mod address;
pub mod dial;
pub mod listen;
pub mod needs;
pub mod resolve;
pub mod socket;
pub mod stream;
pub mod targets;
