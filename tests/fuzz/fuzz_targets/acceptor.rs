//! A server's stranger that says anything.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spiped_fuzz::acceptor::{Stranger, ask};

fuzz_target!(|stranger: Stranger<'_>| ask(&stranger));
