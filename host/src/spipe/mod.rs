//! The program for a single connection, between standard input and output and
//! an encrypted target.

pub mod stdio;
