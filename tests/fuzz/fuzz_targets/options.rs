//! Any words, with a zero byte after each, as a command line.

#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use libfuzzer_sys::fuzz_target;
use spiped::cli::{self, Wanted};

fuzz_target!(|text: &[u8]| {
    let words = || text.split(|&byte| byte == 0).map(|word| OsStr::from_bytes(word).to_owned());
    let _ = cli::spiped(words());

    // A client that listens takes all that a client takes, and means the same. But
    // it has no terminal.
    if words().any(|word| word == "--progress") {
        return;
    }
    let listening = ["-e", "-s", "/source"].map(OsString::from).into_iter();
    if let Ok(settings) = cli::spipe(words()) {
        let listening = cli::spiped(listening.chain(words())).map(|wanted| match wanted {
            Wanted::Settings(settings) => settings.pipes.into_iter().next().map(|it| it.connection),
            Wanted::File(_) => None,
        });
        assert_eq!(listening, Ok(Some(settings.connection)));
    }
});
