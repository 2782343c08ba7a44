//! Any words, with a zero byte after each, as a command line.

#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use spiped::cli;

fuzz_target!(|text: &[u8]| {
    let words = || text.split(|&byte| byte == 0).map(|word| OsStr::from_bytes(word).to_owned());
    let _ = cli::spiped(words());

    // A client that listens takes all that a client takes, and means the same.
    let listening = ["-e", "-s", "/source"].map(OsString::from).into_iter();
    if let Ok(plan) = cli::spipe(words()) {
        let listening = cli::spiped(listening.chain(words())).map(|plan| plan.pipe);
        assert_eq!(listening, Ok(plan.pipe));
    }
});
