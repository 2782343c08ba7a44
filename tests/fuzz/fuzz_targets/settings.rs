//! Any text as a file of settings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped::fuzzing;

fuzz_target!(|text: &str| {
    // What is accepted is the same when it is written and read again.
    assert_ne!(fuzzing::settings_survive(text), Some(false));
});
