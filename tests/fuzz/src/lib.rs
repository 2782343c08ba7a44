//! What the larger fuzz targets do with their input; the small ones are in
//! `fuzz_targets/` altogether. See `README.md`.

#![forbid(unsafe_code)]
#![allow(clippy::missing_panics_doc, reason = "a panic here is a find")]

pub mod acceptor;
mod clear;
mod genuine;
pub mod pairing;
mod parties;
pub mod receive;
pub mod two_party;
