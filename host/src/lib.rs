//! The host of the spiped protocol component: everything that touches the
//! world. The protocol itself runs in a sandbox, see `wit/pipe.wit`.
//!
//! Reading order: [`serve`] accepts, [`connection`] goes through one
//! connection, [`stranger`], [`handshake`] and [`relay`] move its bytes,
//! [`guest`] is the sandbox.

#![deny(unsafe_code)]

pub mod acceptors;
pub mod addr;
pub mod cli;
pub mod code;
pub mod commands;
pub mod compute;
pub mod connection;
pub mod control;
pub mod fingerprint;
pub mod guest;
pub mod handshake;
pub mod keyfile;
pub mod keygen;
pub mod keys;
pub mod net;
pub mod newfile;
pub mod observe;
pub mod outcome;
pub mod packet_crypto;
pub mod pairing;
pub mod process;
pub mod relay;
pub mod secrets;
pub mod serve;
pub mod startup;
pub mod stdio;
pub mod stranger;
pub mod tally;
pub mod workers;
