//! One end of a pairing that is told anything.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped_fuzz::pairing::{Script, perform};

fuzz_target!(|script: Script<'_>| perform(&script));
