//! Scenarios for a client, a server and a target, whoever made the two.
//!
//! Each is a function that takes the programs. The macros of this module make
//! tests of them: one for each scenario, in the module of one combination.

pub mod data;
pub mod lone_client;
pub mod lone_server;
pub mod pressure;
pub mod refusal;
mod tests;

use std::time::Duration;

pub use crate::{
    crowd_tests, data_tests, flag_tests_of_client, flag_tests_of_server, idle_tests,
    lone_client_tests, lone_server_tests, pressure_tests, refusal_tests,
    truncation_tests_of_client, truncation_tests_of_server, x25519_tests,
};

/// After this long without traffic, programs have given up the instance of a
/// connection, if they do that.
pub const NAP: Duration = Duration::from_millis(2200);
