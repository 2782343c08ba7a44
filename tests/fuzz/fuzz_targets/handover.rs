//! Any line as a message from another process; what follows it are the secrets beside.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped::fuzzing;

fuzz_target!(|bytes: &[u8]| {
    let (line, secrets) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    let _ = fuzzing::line_arrives(line, secrets);
});
