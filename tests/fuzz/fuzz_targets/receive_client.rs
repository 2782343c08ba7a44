//! A client that is told anything.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped_core::Side;
use spiped_fuzz::receive::{Script, perform};

fuzz_target!(|script: Script<'_>| perform(Side::Client, &script));
